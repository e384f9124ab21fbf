<?php

declare(strict_types=1);

namespace Storebridge\Connect\Model;

use Magento\Framework\App\DistributionMetadataInterface;
use Magento\Framework\App\ProductMetadataInterface;

/**
 * What the store runs on, by name and version. Mage-OS calls itself Magento, with the number of the Magento that it
 * follows; its own name and number stand in an interface that Magento has not (since Mage-OS 1.0.6).
 */
class Edition
{
    public function __construct(private readonly ProductMetadataInterface $product)
    {
    }

    public function named(): string
    {
        $product = $this->product;
        $named = $product->getName() . ' ' . $product->getVersion();
        if (!$product instanceof DistributionMetadataInterface) {
            return $named;
        }
        return $product->getDistributionName() . ' ' . $product->getDistributionVersion() . " ($named)";
    }
}
