<?php

declare(strict_types=1);

use Magento\Framework\Exception\LocalizedException;
use Magento\Framework\Webapi\Exception as WebapiException;
use Magento\Quote\Model\Quote;
use Magento\Sales\Model\Order;
use PHPUnit\Framework\TestCase;
use Storebridge\Connect\Model\Order\Cart;
use Storebridge\Connect\Model\Order\Current;
use Storebridge\Connect\Model\Order\Given;
use Storebridge\Connect\Model\Order\Ledger;
use Storebridge\Connect\Model\Order\Placer;

final class PlacerTest extends TestCase
{
    private World $world;
    private Magento\Quote\Model\QuoteManagement $management;
    private Magento\Sales\Api\OrderRepositoryInterface $orders;
    private Magento\Sales\Api\InvoiceOrderInterface $invoices;
    private array $given;
    private float $total = 29.15;
    private array $items = [1 => 'a line'];
    private array $quotes = [];

    protected function setUp(): void
    {
        $this->world = new World();
        $this->management = new Magento\Quote\Model\QuoteManagement();
        $this->management->place = $this->placed(...);
        $this->orders = new Magento\Sales\Api\OrderRepositoryInterface();
        $this->invoices = new Magento\Sales\Api\InvoiceOrderInterface();
        $this->given = json_decode((string)file_get_contents(__DIR__ . '/order.json'), true)['order'];
    }

    public function testTheSameAgainIsTheSameOrder(): void
    {
        $first = $this->placer()->place($this->given);
        $this->orders->orders[1]->setData('total_invoiced', 29.15);
        $second = $this->placer()->place($this->given);
        self::assertSame(['order_id' => 1, 'increment_id' => '000000001', 'created' => true], $first);
        self::assertSame(['order_id' => 1, 'increment_id' => '000000001', 'created' => false], $second);
        self::assertSame([[1, true, false]], $this->invoices->made, 'one invoice, and no mail with it');
        self::assertCount(1, $this->quotes);
        self::assertSame([], $this->world->locks->held);
    }

    public function testACrashAfterTheOrderDoesNotMakeAnother(): void
    {
        $this->management->place = function (Quote $quote): never {
            $this->placed($quote);
            throw new LocalizedException(__('The connection to the queue broke.'));
        };
        try {
            $this->placer()->place($this->given);
            self::fail('the failure was swallowed');
        } catch (LocalizedException) {
        }
        $again = $this->placer()->place($this->given);
        self::assertSame([1, false], [$again['order_id'], $again['created']]);
        self::assertCount(1, $this->invoices->made, 'it gets the invoice that it was left without');
    }

    public function testACrashBeforeItKeepsTheNumber(): void
    {
        $this->management->place = static function (): never {
            throw new LocalizedException(__('No.'));
        };
        try {
            $this->placer()->place($this->given);
        } catch (LocalizedException) {
        }
        $this->management->place = $this->placed(...);
        self::assertSame('000000001', $this->placer()->place($this->given)['increment_id']);
    }

    public function testATotalThatAnotherModuleHasChangedIsNotPlaced(): void
    {
        $this->total = 30.15;
        $this->expectException(LocalizedException::class);
        $this->expectExceptionMessage('30.15');
        try {
            $this->placer()->place($this->given);
        } finally {
            self::assertSame([], $this->orders->orders);
        }
    }

    public function testALineThatMagentoLeavesOutIsNoOrderWithoutIt(): void
    {
        $this->items = [];
        $this->expectException(LocalizedException::class);
        $this->expectExceptionMessage('leaves a line');
        try {
            $this->placer()->place($this->given);
        } finally {
            self::assertSame([], $this->orders->orders);
        }
    }

    public function testTwoAtTheSameTimeWaitForEachOther(): void
    {
        $this->world->locks->lock('storebridge_' . sha1("bol\n1043946570"));
        $this->expectException(WebapiException::class);
        try {
            $this->placer()->place($this->given);
        } catch (WebapiException $busy) {
            self::assertSame(503, $busy->httpCode);
            throw $busy;
        }
    }

    private function placer(): Placer
    {
        $quotes = &$this->quotes;
        $cart = $this->createStub(Cart::class);
        $cart->method('of')->willReturnCallback(function () use (&$quotes): Quote {
            $quote = new Quote(['grand_total' => $this->total]);
            $quote->items = $this->items;
            $quote->next = count($quotes) + 1;
            $quote->used = array_map(static fn (Order $order): string => $order->getIncrementId(), $this->orders->orders);
            return $quotes[] = $quote;
        });
        return new Placer(
            new Given(),
            new Ledger($this->world->resource),
            $cart,
            new Current(),
            new Magento\Quote\Api\CartRepositoryInterface(),
            $this->management,
            $this->orders,
            $this->invoices,
            new Magento\Store\Model\StoreManagerInterface(),
            $this->world->locks
        );
    }

    private function placed(Quote $quote): Order
    {
        $number = (string)$quote->getReservedOrderId();
        $this->world->resource->adapter->insert('sales_order', ['increment_id' => $number, 'store_id' => 1]);
        $id = (int)$this->world->resource->adapter->pdo->lastInsertId();
        return $this->orders->orders[$id] = new Order(['entity_id' => $id, 'increment_id' => $number]);
    }
}
