<?php

declare(strict_types=1);

namespace Storebridge\Connect\Model\Order;

use Magento\Framework\App\ResourceConnection;
use Magento\Framework\DB\Adapter\DuplicateException;

/**
 * Which marketplace order became which order of the store. A row is taken before anything else is done, and has the
 * number of the order before there is an order: Magento's own unique index over (increment_id, store_id) then keeps
 * it from being there twice, whatever happens in between.
 */
class Ledger
{
    private const TABLE = 'storebridge_order';
    private const MARK = 'storebridge-module|';
    private const AT_ONCE = 500;

    public function __construct(private readonly ResourceConnection $resource)
    {
    }

    /**
     * The row of this order, new or known: {channel, external_id, store_id, increment_id}.
     */
    public function take(string $channel, string $externalId, int $storeId): array
    {
        $bind = ['channel' => $channel, 'external_id' => $externalId, 'store_id' => $storeId];
        $known = $this->row($channel, $externalId);
        if ($known) {
            return $known;
        }
        try {
            $this->resource->getConnection()->insert($this->table(), $bind);
        } catch (DuplicateException $taken) {
            return $this->row($channel, $externalId) ?: throw $taken;
        }
        return $bind + ['increment_id' => null];
    }

    public function number(string $channel, string $externalId, string $incrementId): void
    {
        $where = ['channel = ?' => $channel, 'external_id = ?' => $externalId];
        $this->resource->getConnection()->update($this->table(), ['increment_id' => $incrementId], $where);
    }

    /**
     * @param array $refs of {channel, external_id}
     */
    public function find(array $refs): array
    {
        $found = [];
        foreach ($refs as $ref) {
            [$channel, $externalId] = is_array($ref) ? [$ref['channel'] ?? '', $ref['external_id'] ?? ''] : ['', ''];
            $row = $this->row((string)$channel, (string)$externalId);
            $orderId = $row ? $this->orderId($row) : 0;
            if ($orderId) {
                $found[] = [
                    'channel' => $row['channel'],
                    'external_id' => $row['external_id'],
                    'order_id' => $orderId,
                    'increment_id' => $row['increment_id'],
                ];
            }
        }
        return $found;
    }

    /**
     * The id of the row's order, 0 while there is none.
     */
    public function orderId(array $row): int
    {
        if (!$row['increment_id']) {
            return 0;
        }
        $connection = $this->resource->getConnection('sales');
        $select = $connection->select()
            ->from($this->resource->getTableName('sales_order', 'sales'), 'entity_id')
            ->where('increment_id = ?', (string)$row['increment_id'])
            ->where('store_id = ?', (int)$row['store_id']);
        return (int)$connection->fetchOne($select);
    }

    /**
     * An empty ledger, made anew from the orders that were placed: each of their lines has the marketplace order's
     * reference, `storebridge-module|channel:external id|line`, its parts percent-encoded.
     */
    public function restore(): void
    {
        $connection = $this->resource->getConnection();
        if ($connection->fetchOne($connection->select()->from($this->table(), 'id')->limit(1))) {
            return;
        }
        $rows = [];
        foreach ($this->placed() as $line) {
            $ref = rawurldecode(explode('|', (string)$line['ext_order_item_id'])[1]);
            [$channel, $externalId] = explode(':', $ref, 2) + [1 => ''];
            $own = ['channel' => $channel, 'external_id' => $externalId];
            $rows[$ref] ??= $own + ['store_id' => $line['store_id'], 'increment_id' => $line['increment_id']];
        }
        foreach (array_chunk(array_values($rows), self::AT_ONCE) as $some) {
            $connection->insertMultiple($this->table(), $some);
        }
    }

    private function placed(): array
    {
        $connection = $this->resource->getConnection('sales');
        $select = $connection->select()
            ->from(['i' => $this->resource->getTableName('sales_order_item', 'sales')], [])
            ->join(
                ['o' => $this->resource->getTableName('sales_order', 'sales')],
                'o.entity_id = i.order_id',
                ['i.ext_order_item_id', 'o.store_id', 'o.increment_id']
            )
            ->where('i.ext_order_item_id LIKE ?', self::MARK . '%')
            ->order('i.item_id');
        return $connection->fetchAll($select);
    }

    private function row(string $channel, string $externalId): array
    {
        $connection = $this->resource->getConnection();
        $select = $connection->select()->from($this->table())
            ->where('channel = ?', $channel)
            ->where('external_id = ?', $externalId);
        return $connection->fetchRow($select) ?: [];
    }

    private function table(): string
    {
        return $this->resource->getTableName(self::TABLE);
    }
}
