<?php

declare(strict_types=1);

namespace Storebridge\Connect\Observer;

use Magento\Framework\Event\Observer;
use Magento\Framework\Event\ObserverInterface;
use Magento\Framework\Model\AbstractModel;
use Storebridge\Connect\Model\Outbox;
use Storebridge\Connect\Model\Settings;

/**
 * An order, a shipment, a tracking number or a credit memo was saved: a row of the outbox in the same transaction, so
 * that neither is there without the other. Nothing is called here.
 */
class OrderChanged implements ObserverInterface
{
    private const NAMES = ['order', 'shipment', 'track', 'creditmemo'];

    public function __construct(
        private readonly Outbox $outbox,
        private readonly Settings $settings
    ) {
    }

    public function execute(Observer $observer)
    {
        foreach (self::NAMES as $name) {
            $saved = $observer->getEvent()->getData($name);
            if ($saved instanceof AbstractModel && $this->settings->isConnected()) {
                $id = $name === 'order' ? $saved->getId() : $saved->getData('order_id');
                $this->outbox->add('order', [$id], "$name.saved");
                return;
            }
        }
    }
}
