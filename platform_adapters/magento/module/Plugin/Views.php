<?php

declare(strict_types=1);

namespace Storebridge\Connect\Plugin;

use Magento\Framework\App\ResourceConnection;
use Magento\Framework\Mview\ConfigInterface;

/**
 * Our views follow what is there: Multi Source Inventory can be removed, and with content staging (Adobe Commerce)
 * values belong to a row of the product's history, which has another key. A trigger on what is not there would break
 * setup:upgrade, and those of Magento's own views on the same table.
 */
class Views
{
    private const OWN = 'storebridge_';

    /** @var array<string, bool> */
    private array $known = [];

    public function __construct(private readonly ResourceConnection $resource)
    {
    }

    public function afterGetView(ConfigInterface $subject, mixed $result): mixed
    {
        return is_array($result) ? $this->fitting($result) : $result;
    }

    public function afterGetViews(ConfigInterface $subject, mixed $result): mixed
    {
        return is_array($result) ? array_map($this->fitting(...), $result) : $result;
    }

    private function fitting(array $view): array
    {
        if (str_starts_with((string)($view['view_id'] ?? ''), self::OWN)) {
            $view['subscriptions'] = array_filter(
                $view['subscriptions'] ?? [],
                fn (array $on): bool => $this->isThere((string)$on['name'], (string)$on['column'])
            );
        }
        return $view;
    }

    private function isThere(string $table, string $column): bool
    {
        return $this->known["$table.$column"] ??= $this->hasColumn($this->resource->getTableName($table), $column);
    }

    private function hasColumn(string $table, string $column): bool
    {
        $connection = $this->resource->getConnection();
        return $connection->isTableExists($table) && $connection->tableColumnExists($table, $column);
    }
}
