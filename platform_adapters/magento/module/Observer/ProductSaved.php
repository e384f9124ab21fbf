<?php

declare(strict_types=1);

namespace Storebridge\Connect\Observer;

use Magento\Framework\Event\Observer;
use Magento\Framework\Event\ObserverInterface;
use Storebridge\Connect\Model\Outbox;
use Storebridge\Connect\Model\Settings;

/**
 * A product was saved or deleted by the admin, the API or an import that saves products one by one. What goes
 * straight to the database is seen by its triggers (Model\Tracking).
 */
class ProductSaved implements ObserverInterface
{
    public function __construct(
        private readonly Outbox $outbox,
        private readonly Settings $settings
    ) {
    }

    public function execute(Observer $observer)
    {
        $product = $observer->getEvent()->getData('product');
        if ($product && $this->settings->isConnected()) {
            $this->outbox->add('product', [$product->getId()], 'product.saved');
        }
    }
}
