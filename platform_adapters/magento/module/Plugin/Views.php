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

    /**
     * Looked at each time: setup:upgrade takes tables away and asks again in the same process.
     */
    private function isThere(string $name, string $column): bool
    {
        [$connection, $table] = [$this->resource->getConnection(), $this->resource->getTableName($name)];
        return $connection->isTableExists($table) && $connection->tableColumnExists($table, $column);
    }
}
