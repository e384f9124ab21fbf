<?php

declare(strict_types=1);

namespace Storebridge\Connect\Observer;

use Magento\Framework\Event\Observer;
use Magento\Framework\Event\ObserverInterface;
use Magento\Framework\Exception\LocalizedException;
use Magento\Framework\Message\ManagerInterface;
use Storebridge\Connect\Model\Connector;

/**
 * The bridge's address was saved: the integration that waits to be activated is told where it is.
 */
class SettingsSaved implements ObserverInterface
{
    public function __construct(
        private readonly Connector $connector,
        private readonly ManagerInterface $messages
    ) {
    }

    public function execute(Observer $observer)
    {
        try {
            $this->connector->prepared();
        } catch (LocalizedException $error) {
            $this->messages->addWarningMessage($error->getMessage());
        }
    }
}
