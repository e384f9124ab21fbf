<?php

declare(strict_types=1);

use Magento\Framework\DataObject;
use Magento\Framework\Event\Observer;
use Magento\Framework\Model\AbstractModel;
use PHPUnit\Framework\TestCase;
use Storebridge\Connect\Model\Mview\Changes;
use Storebridge\Connect\Model\Mview\StockChanges;
use Storebridge\Connect\Observer\OrderChanged;

final class OutboxTest extends TestCase
{
    public function testNumbersHaveNoGapsWhateverTheTableLeavesOut(): void
    {
        $world = (new World())->connected();
        $world->outbox->add('product', [1, 2], 'a');
        $world->resource->adapter->pdo->exec('DELETE FROM storebridge_outbox WHERE external_id = 1');
        $world->outbox->add('product', [3, 2], 'b');
        $batch = $world->outbox->batch();
        self::assertSame([[1, '3', 'b'], [2, '2', 'b']], $this->shown($batch), 'the newest row of each stands for it');
        self::assertSame($this->shown($batch), $this->shown($world->outbox->batch()), 'the same again until it is gone');
        $world->outbox->remove(array_column($batch, 'id'));
        $world->outbox->add('order', [9], 'c');
        self::assertSame([[3, '9', 'c']], $this->shown($world->outbox->batch()));
    }

    public function testARowThatWasCommittedLateIsNotLost(): void
    {
        $world = (new World())->connected();
        $pdo = $world->resource->adapter->pdo;
        $pdo->exec("INSERT INTO storebridge_outbox (id, kind, external_id, topic) VALUES (12, 'order', '5', 'x')");
        $batch = $world->outbox->batch();
        $pdo->exec("INSERT INTO storebridge_outbox (id, kind, external_id, topic) VALUES (11, 'order', '4', 'x')");
        $world->outbox->remove(array_column($batch, 'id'));
        self::assertSame([[2, '4', 'x']], $this->shown($world->outbox->batch()));
    }

    public function testWhatIsTooOldGoesUnsentAndLeavesAGap(): void
    {
        $world = (new World())->connected();
        $world->outbox->add('product', [1], 'a');
        $world->resource->adapter->pdo->exec("UPDATE storebridge_outbox SET created_at = '2020-01-01 00:00:00'");
        $world->outbox->add('product', [2], 'a');
        self::assertSame(1, $world->outbox->expire());
        self::assertSame([[2, '2', 'a']], $this->shown($world->outbox->batch()));
    }

    public function testEachKindOfDocumentNamesItsOrder(): void
    {
        $world = (new World())->connected();
        $observer = new OrderChanged($world->outbox, $world->settings);
        $saved = [
            'order' => ['entity_id' => 5],
            'shipment' => ['entity_id' => 1, 'order_id' => 6],
            'track' => ['entity_id' => 2, 'order_id' => 7],
            'creditmemo' => ['entity_id' => 3, 'order_id' => 8],
        ];
        foreach ($saved as $name => $data) {
            $observer->execute(new Observer(new DataObject([$name => new AbstractModel($data)])));
        }
        $rows = array_map(static fn (array $row): array => [$row['kind'], $row['external_id'], $row['topic']], $world->outbox->batch());
        self::assertSame([
            ['order', '5', 'order.saved'],
            ['order', '6', 'shipment.saved'],
            ['order', '7', 'track.saved'],
            ['order', '8', 'creditmemo.saved'],
        ], $rows);
    }

    public function testAStoreThatIsNotConnectedKeepsNothing(): void
    {
        $world = new World();
        (new OrderChanged($world->outbox, $world->settings))->execute(
            new Observer(new DataObject(['order' => new AbstractModel(['entity_id' => 5])]))
        );
        self::assertSame(0, $world->outbox->depth());
    }

    public function testAViewOfTheInventoryNamesProductsAndOneOfTheCatalogueToo(): void
    {
        $world = (new World())->connected();
        $pdo = $world->resource->adapter->pdo;
        $pdo->exec("INSERT INTO catalog_product_entity VALUES (75, 'A'), (76, 'B')");
        $pdo->exec("INSERT INTO inventory_reservation VALUES (1, 'A'), (2, 'A'), (3, 'gone')");
        (new StockChanges($world->outbox, $world->resource, 'inventory_reservation', 'reservation_id'))->execute([1, 2, 3, 4]);
        (new Changes($world->outbox))->execute([76]);
        self::assertSame([[1, '75', 'stock.changed'], [2, '76', 'product.changed']], $this->shown($world->outbox->batch()));
    }

    private function shown(array $rows): array
    {
        return array_map(static fn (array $row): array => [(int)$row['number'], $row['external_id'], $row['topic']], $rows);
    }
}
