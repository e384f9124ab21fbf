<?php

declare(strict_types=1);

namespace Storebridge\Connect\Model;

use Magento\Catalog\Model\ResourceModel\Product as ProductResource;
use Magento\CatalogInventory\Api\StockRegistryInterface;
use Magento\Framework\Exception\LocalizedException;
use Magento\Framework\Module\Manager;
use Magento\Framework\ObjectManagerInterface;
use Magento\InventoryConfigurationApi\Api\GetStockItemConfigurationInterface;
use Magento\InventorySalesApi\Api\GetProductSalableQtyInterface;
use Magento\InventorySalesApi\Api\StockResolverInterface;

/**
 * What can be sold: of the website's stock less reservations, or without Multi Source Inventory, which merchants may
 * remove, what the stock item says. Hence no constructor asks for its interfaces.
 */
class Salable
{
    private const MSI = 'Magento_InventorySalesApi';

    public function __construct(
        private readonly ObjectManagerInterface $objects,
        private readonly Manager $modules,
        private readonly StockRegistryInterface $registry,
        private readonly ProductResource $products
    ) {
    }

    /**
     * @param string[] $skus
     * @return array of {sku, qty, managed, backorders, salable}; what is not in the stock is left out
     */
    public function of(array $skus, string $website): array
    {
        $known = array_map('strval', array_keys($this->products->getProductsIdsBySkus($skus)));
        $read = $this->modules->isEnabled(self::MSI) ? $this->ofStock($website) : $this->ofItem(...);
        $rows = [];
        foreach (array_intersect($skus, $known) as $sku) {
            try {
                $rows[] = ['sku' => $sku] + $read($sku);
            } catch (LocalizedException $notSold) {
                continue;
            }
        }
        return $rows;
    }

    private function ofStock(string $website): callable
    {
        $stockId = (int)$this->objects->get(StockResolverInterface::class)->execute('website', $website)->getStockId();
        $quantities = $this->objects->get(GetProductSalableQtyInterface::class);
        $settings = $this->objects->get(GetStockItemConfigurationInterface::class);
        return static function (string $sku) use ($stockId, $quantities, $settings): array {
            $item = $settings->execute($sku, $stockId);
            $quantity = $item->isManageStock() ? $quantities->execute($sku, $stockId) : 0.0;
            return self::row($quantity, $item->isManageStock(), $item->getBackorders());
        };
    }

    private function ofItem(string $sku): array
    {
        $item = $this->registry->getStockItemBySku($sku);
        $quantity = $item->getIsInStock() ? (float)$item->getQty() - (float)$item->getMinQty() : 0.0;
        return self::row($quantity, (bool)$item->getManageStock(), (int)$item->getBackorders());
    }

    private static function row(float $quantity, bool $managed, int $backorders): array
    {
        return [
            'qty' => $quantity,
            'managed' => $managed,
            'backorders' => $backorders > 0,
            'salable' => !$managed || $backorders > 0 || $quantity > 0,
        ];
    }
}
