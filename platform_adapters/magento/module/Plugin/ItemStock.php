<?php

declare(strict_types=1);

namespace Storebridge\Connect\Plugin;

use Magento\CatalogInventory\Model\StockState;
use Storebridge\Connect\Model\Order\Current;

/**
 * The same for stores without Multi Source Inventory, whose stock item is lowered when an order is placed.
 */
class ItemStock
{
    public function __construct(private readonly Current $current)
    {
    }

    public function afterCheckQty(StockState $subject, mixed $result): mixed
    {
        return $this->current->isOn() ? true : $result;
    }
}
