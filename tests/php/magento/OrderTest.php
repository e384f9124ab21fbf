<?php

declare(strict_types=1);

use Magento\Framework\DataObject;
use Magento\Framework\Event\Observer;
use Magento\Framework\Exception\InputException;
use Magento\Framework\Exception\LocalizedException;
use Magento\Quote\Model\Quote;
use Magento\Quote\Model\Quote\Address\Total;
use Magento\Sales\Model\Order;
use PHPUnit\Framework\TestCase;
use Storebridge\Connect\Model\Order\Amounts;
use Storebridge\Connect\Model\Order\Current;
use Storebridge\Connect\Model\Order\Given;
use Storebridge\Connect\Model\Order\Ledger;
use Storebridge\Connect\Observer\OrderSubmitted;
use Storebridge\Connect\Plugin\CartRules;
use Storebridge\Connect\Plugin\ItemStock;
use Storebridge\Connect\Plugin\SourceStock;

final class OrderTest extends TestCase
{
    public function testTheBodyOfTheAdapterIsTakenAsItIs(): void
    {
        $given = self::given();
        self::assertSame($given, (new Given())->validated($given));
    }

    public function testWhatIsMissingIsNamed(): void
    {
        $ways = [
            'channel' => static fn (array $given): array => ['channel' => ''] + $given,
            'items' => static fn (array $given): array => ['items' => []] + $given,
            'totals.grand_total' => static function (array $given): array {
                unset($given['totals']['grand_total']);
                return $given;
            },
            'items[0].price' => static function (array $given): array {
                $given['items'][0]['price'] = 'free';
                return $given;
            },
        ];
        foreach ($ways as $field => $spoil) {
            try {
                (new Given())->validated($spoil(self::given()));
                self::fail("$field was not missed");
            } catch (InputException $error) {
                self::assertStringContainsString("\"$field\"", $error->getMessage());
            }
        }
        $given = self::given();
        $given['totals']['grand_total'] += 0.01;
        $this->expectException(InputException::class);
        $this->expectExceptionMessage('add up');
        (new Given())->validated($given);
    }

    public function testTheMerchantsShippingMethodIsTakenOrOurOwn(): void
    {
        $given = self::given();
        $chosen = ['shipping_method' => 'dhl_paket', 'shipping_title' => 'DHL Paket (bol.com 1)'] + $given;
        self::assertSame($chosen, (new Given())->validated($chosen));
        self::assertSame(['dhl_paket', 'DHL Paket (bol.com 1)'], [Given::shippingMethod($chosen), Given::shippingTitle($chosen)]);
        self::assertSame(['storebridge_storebridge', $given['label']], [Given::shippingMethod($given), Given::shippingTitle($given)]);
        $this->expectException(InputException::class);
        $this->expectExceptionMessage('carrier_method');
        (new Given())->validated(['shipping_method' => 'dhl'] + $given);
    }

    public function testALedgerRowIsTakenOnceAndFindsItsOrderByNumber(): void
    {
        $world = new World();
        $ledger = new Ledger($world->resource);
        $row = $ledger->take('bol', '1', 1);
        self::assertSame([null, 0], [$row['increment_id'], $ledger->orderId($row)]);
        $ledger->number('bol', '1', '000000012');
        self::assertSame([], $ledger->find([['channel' => 'bol', 'external_id' => '1']]), 'it has a number, and there is no order');
        $world->resource->adapter->pdo->exec("INSERT INTO sales_order VALUES (7, '000000012', 2), (8, '000000012', 1)");
        self::assertSame(8, $ledger->orderId($ledger->take('bol', '1', 1)));
        self::assertSame(
            [['channel' => 'bol', 'external_id' => '1', 'order_id' => 8, 'increment_id' => '000000012']],
            $ledger->find([['channel' => 'bol', 'external_id' => '1'], ['channel' => 'bol', 'external_id' => '2'], 'odd'])
        );
    }

    public function testALedgerThatMagentoDroppedIsMadeAnewFromTheOrders(): void
    {
        $world = new World();
        $ledger = new Ledger($world->resource);
        $pdo = $world->resource->adapter->pdo;
        $pdo->exec("INSERT INTO sales_order VALUES (7, '000000012', 2), (8, 'MP-bol-3', 1), (9, '000000013', 1)");
        $pdo->exec("INSERT INTO sales_order_item (order_id, ext_order_item_id) VALUES (7, 'storebridge-module|bol%3A1%7Ca:b|L-1'),
            (7, 'storebridge-module|bol%3A1%7Ca:b|L-2'), (8, 'storebridge|bol:3|L-1'), (9, 'storebridge-module|bol:4|L-1'), (9, NULL),
            (8, 'storebridge-module|bol:4|L-1')");
        $ledger->restore();
        $ledger->restore();
        $refs = array_map(static fn (string $id): array => ['channel' => 'bol', 'external_id' => $id], ['1|a:b', '3', '4']);
        self::assertSame([7, 9], array_column($ledger->find($refs), 'order_id'), 'the first, and none that the module did not place');
        $ledger->take('bol', '5', 1);
        $pdo->exec("DELETE FROM storebridge_order WHERE external_id = '4'");
        $ledger->restore();
        self::assertSame([7], array_column($ledger->find($refs), 'order_id'), 'one that has rows is whole');
    }

    public function testOnlyTheCartOfTheMarketplacePassesAndOnlyMeanwhile(): void
    {
        $current = new Current();
        [$ours, $other] = [new Quote(), new Quote()];
        $asked = [];
        $look = static function () use ($current, $ours, $other, &$asked): array {
            $asked = [];
            $ask = static function () use (&$asked): void {
                $asked[] = 'stock';
            };
            (new SourceStock($current))->aroundExecute(new stdClass(), $ask, ['A' => 1.0], 1);
            $validator = new Magento\Quote\Model\QuoteValidator();
            $rules = static function (Quote $quote) use (&$asked, $ours, $validator): Magento\Quote\Model\QuoteValidator {
                $asked[] = $quote === $ours ? 'ours' : 'other';
                return $validator;
            };
            (new CartRules($current))->aroundValidateBeforeSubmit($validator, $rules, $ours);
            (new CartRules($current))->aroundValidateBeforeSubmit($validator, $rules, $other);
            $enough = (new ItemStock($current))->afterCheckQty(new Magento\CatalogInventory\Model\StockState(), false);
            return [...$asked, $enough];
        };
        self::assertSame(['stock', 'ours', 'other', false], $look());
        self::assertSame(['other', true], $current->during(self::given(), $ours, $look));
        try {
            $current->during(self::given(), $ours, static fn () => throw new LocalizedException(__('No.')));
        } catch (LocalizedException) {
        }
        self::assertSame(['stock', 'ours', 'other', false], $look(), 'also when it failed');
    }

    public function testTheOrderHasTheMarketplacesAmountsItsMarksAndNoMail(): void
    {
        [$current, $quote, $order, $item] = [new Current(), new Quote(), new Order(), new DataObject(['quote_item_id' => 3])];
        $quote->items = [3 => new DataObject(['storebridge_line' => 0])];
        $order->addData(['grand_total' => 99.0, 'tax_amount' => 1.0, 'can_send_new_email_flag' => true]);
        $order->items = [$item, new DataObject(['quote_item_id' => 4])];
        $observer = new OrderSubmitted($current, new Amounts());
        $event = new Observer(new DataObject(['quote' => $quote, 'order' => $order]));
        $observer->execute($event);
        self::assertSame(99.0, $order->getData('grand_total'), 'a shopper\'s order is left alone');
        $current->during(self::given(), $quote, static fn () => $observer->execute($event));
        $shown = array_intersect_key($order->getData(), array_flip(['grand_total', 'base_grand_total', 'tax_amount', 'total_due', 'ext_order_id']));
        self::assertEquals(
            ['grand_total' => 29.15, 'base_grand_total' => 29.15, 'tax_amount' => 5.06, 'total_due' => 29.15, 'ext_order_id' => '1043946570'],
            $shown
        );
        self::assertSame([false, false], [$order->getData('can_send_new_email_flag'), $order->getData('customer_note_notify')]);
        self::assertSame([self::given()['comment']], $order->comments);
        self::assertEquals(
            [24.2, 20.0, 4.2, 'storebridge-module|bol:1043946570|L-1'],
            [$item->getData('row_total_incl_tax'), $item->getData('base_row_total'), $item->getData('tax_amount'), $item->getData('ext_order_item_id')]
        );
    }

    public function testTheOrderShowsTheMerchantsShippingMethodOrTheMarketplacesLabel(): void
    {
        foreach ([['shipping_title' => 'DHL Paket (bol.com 1)'], []] as $more) {
            [$current, $quote, $order, $given] = [new Current(), new Quote(), new Order(), $more + self::given()];
            $event = new Observer(new DataObject(['quote' => $quote, 'order' => $order]));
            $current->during($given, $quote, static fn () => (new OrderSubmitted($current, new Amounts()))->execute($event));
            self::assertSame($more['shipping_title'] ?? $given['label'], $order->getData('shipping_description'));
        }
    }

    public function testWhatOtherCollectorsHaveAddedIsTakenOut(): void
    {
        $total = new Total();
        $total->amounts = ['subtotal' => 99.0, 'weee' => 3.0, 'gift_wrap' => 1.0];
        (new Amounts())->ofTotal($total, self::given()['totals']);
        self::assertEqualsWithDelta(29.15, array_sum($total->amounts), 0.00001);
        self::assertSame([0.0, 29.15], [$total->amounts['weee'], $total->getData('base_grand_total')]);
    }

    public function testAFixedProductTaxIsInThePriceAndNoInvoiceAddsIt(): void
    {
        [$current, $quote, $order] = [new Current(), new Quote(), new Order()];
        $applied = [
            'weee_tax_applied' => '[{"title":"Eco","row_amount":3.0,"row_amount_incl_tax":3.63}]',
            'weee_tax_applied_row_amount' => 3.0,
            'base_weee_tax_applied_row_amnt' => 3.0,
        ];
        $sold = new DataObject(['storebridge_line' => 0] + $applied);
        $item = new DataObject(['quote_item_id' => 3] + $applied);
        self::assertEqualsWithDelta(32.78, self::invoiced([$item], self::given()), 0.00001, 'what Magento would make of it');
        [$quote->items, $order->items] = [[3 => $sold], [$item]];
        (new Amounts())->ofItem($sold, self::given()['items'][0]);
        $observer = new OrderSubmitted($current, new Amounts());
        $event = new Observer(new DataObject(['quote' => $quote, 'order' => $order]));
        $current->during(self::given(), $quote, static fn () => $observer->execute($event));
        foreach ([$sold, $item] as $line) {
            self::assertEqualsWithDelta(29.15, self::invoiced([$line], self::given()), 0.00001);
            self::assertSame(24.2, $line->getData('row_total_incl_tax'));
        }
    }

    /**
     * As Magento_Weee's own total of an invoice adds it: each line's fixed taxes with the VAT on them.
     */
    private static function invoiced(array $items, array $given): float
    {
        $total = (float)$given['totals']['grand_total'];
        foreach ($items as $item) {
            $taxes = json_decode((string)$item->getData('weee_tax_applied'), true);
            $vat = array_sum(array_column($taxes, 'row_amount_incl_tax')) - array_sum(array_column($taxes, 'row_amount'));
            $total += (float)$item->getData('weee_tax_applied_row_amount') + $vat;
        }
        return $total;
    }

    /**
     * What the adapter sends: tests/contract/test_magento_php.py holds them against each other.
     */
    private static function given(): array
    {
        return json_decode((string)file_get_contents(__DIR__ . '/order.json'), true)['order'];
    }
}
