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
