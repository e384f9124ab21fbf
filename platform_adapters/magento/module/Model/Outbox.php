<?php

declare(strict_types=1);

namespace Storebridge\Connect\Model;

use Magento\Framework\App\ResourceConnection;

/**
 * What changed and was not told yet. A row is written in the transaction of its change, without any lock on others'
 * rows: a customer's order never waits for the sender. Rows get their number only when a batch is made of them, in
 * the order of the table, so that the numbers have no gaps, whatever auto_increment and rollbacks leave out.
 */
class Outbox
{
    private const TABLE = 'storebridge_outbox';
    private const BATCH = 100;
    private const LOOK_AHEAD = 2000;
    private const KEEP = 7 * 86400;

    public function __construct(
        private readonly ResourceConnection $resource,
        private readonly Memory $memory
    ) {
    }

    /**
     * @param string $kind product, stock, order or test
     * @param array<int|string> $ids
     */
    public function add(string $kind, array $ids, string $topic): void
    {
        $rows = [];
        foreach (array_unique(array_filter(array_map('strval', $ids))) as $id) {
            $rows[] = ['kind' => $kind, 'external_id' => $id, 'topic' => $topic];
        }
        foreach (array_chunk($rows, 500) as $chunk) {
            $this->resource->getConnection()->insertMultiple($this->table(), $chunk);
        }
    }

    /**
     * The next rows to send, with their numbers. The same again until they are removed.
     */
    public function batch(): array
    {
        $numbered = $this->rows('number IS NOT NULL', 'number', self::BATCH);
        return $numbered ?: $this->numbered($this->newest($this->rows('number IS NULL', 'id', self::LOOK_AHEAD)));
    }

    /**
     * These rows and no others: one with a smaller id may have been committed meanwhile.
     */
    public function remove(array $ids): void
    {
        foreach (array_chunk($ids, 500) as $chunk) {
            $this->resource->getConnection()->delete($this->table(), ['id IN (?)' => $chunk]);
        }
    }

    /**
     * What is older than seven days goes unsent. A number is left out for it, which makes the bridge read by itself.
     */
    public function expire(): int
    {
        $before = gmdate('Y-m-d H:i:s', time() - self::KEEP);
        $old = $this->rows("created_at < '$before'", 'id', self::LOOK_AHEAD);
        if ($old) {
            $this->remove(array_column($old, 'id'));
            $this->memory->set(['last_number' => $this->lastNumber() + 1]);
        }
        return count($old);
    }

    public function depth(): int
    {
        $connection = $this->resource->getConnection();
        return (int)$connection->fetchOne($connection->select()->from($this->table(), 'COUNT(*)'));
    }

    public function oldest(): ?string
    {
        $connection = $this->resource->getConnection();
        $found = $connection->fetchOne($connection->select()->from($this->table(), 'MIN(created_at)'));
        return $found ? Moment::said((string)$found) : null;
    }

    public function lastNumber(): int
    {
        return (int)$this->memory->get('last_number');
    }

    /**
     * The newest row of each object; the older ones go, each by its own key.
     */
    private function newest(array $rows): array
    {
        [$kept, $merged] = [[], []];
        foreach ($rows as $row) {
            $key = $row['kind'] . '|' . $row['external_id'];
            if (isset($kept[$key])) {
                $merged[] = $kept[$key]['id'];
                unset($kept[$key]);
            }
            $kept[$key] = $row;
        }
        $this->remove($merged);
        return array_slice(array_values($kept), 0, self::BATCH);
    }

    private function numbered(array $rows): array
    {
        $number = $this->lastNumber();
        if ($rows) {
            $this->memory->set(['last_number' => $number + count($rows)]);
        }
        foreach ($rows as $at => $row) {
            $rows[$at]['number'] = ++$number;
            $bind = ['number' => $number];
            $this->resource->getConnection()->update($this->table(), $bind, ['id = ?' => $row['id']]);
        }
        return $rows;
    }

    private function rows(string $where, string $order, int $most): array
    {
        $connection = $this->resource->getConnection();
        $select = $connection->select()->from($this->table())->where($where)->order("$order ASC")->limit($most);
        return $connection->fetchAll($select);
    }

    private function table(): string
    {
        return $this->resource->getTableName(self::TABLE);
    }
}
