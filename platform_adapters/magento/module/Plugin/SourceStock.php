<?php

declare(strict_types=1);

namespace Storebridge\Connect\Plugin;

use Storebridge\Connect\Model\Order\Current;

/**
 * Around Magento\InventorySales\Model\CheckItemsQuantity, where Multi Source Inventory is installed. A marketplace
 * has sold it already: the reservation is made all the same, and may make the salable quantity negative, which is the
 * truth.
 */
class SourceStock
{
    public function __construct(private readonly Current $current)
    {
    }

    public function aroundExecute(object $subject, callable $proceed, array $items, int $stockId): void
    {
        if (!$this->current->isOn()) {
            $proceed($items, $stockId);
        }
    }
}
