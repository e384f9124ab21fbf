<?php

declare(strict_types=1);

namespace Storebridge\Connect\Model\Mview;

use Magento\Framework\App\ResourceConnection;
use Storebridge\Connect\Model\Outbox;

/**
 * Rows of a table of Multi Source Inventory that have changed. They name a SKU; the bridge wants the product. A row
 * that is gone meanwhile names nothing any more: the bridge finds that when it looks at all stock.
 */
class StockChanges extends Changes
{
    public function __construct(
        Outbox $outbox,
        private readonly ResourceConnection $resource,
        private readonly string $tableName,
        private readonly string $idColumn
    ) {
        parent::__construct($outbox);
    }

    public function execute($ids)
    {
        $connection = $this->resource->getConnection();
        foreach (array_chunk($ids, 1000) as $chunk) {
            $select = $connection->select()
                ->from(['changed' => $this->resource->getTableName($this->tableName)], [])
                ->join(
                    ['product' => $this->resource->getTableName('catalog_product_entity')],
                    'product.sku = changed.sku',
                    ['entity_id']
                )
                ->where("changed.{$this->idColumn} IN (?)", $chunk)
                ->distinct();
            $this->outbox->add('stock', $connection->fetchCol($select), 'stock.changed');
        }
    }
}
