<?php

declare(strict_types=1);

namespace Storebridge\Connect\Observer;

use Magento\Framework\Event\Observer;
use Magento\Framework\Event\ObserverInterface;
use Magento\Sales\Model\Order;
use Storebridge\Connect\Model\Order\Amounts;
use Storebridge\Connect\Model\Order\Current;
use Storebridge\Connect\Model\Order\Given;

/**
 * Right before a marketplace order is placed: its marks, its amounts to the cent, no mail to anybody.
 */
class OrderSubmitted implements ObserverInterface
{
    public function __construct(
        private readonly Current $current,
        private readonly Amounts $amounts
    ) {
    }

    public function execute(Observer $observer)
    {
        $quote = $observer->getEvent()->getData('quote');
        $order = $observer->getEvent()->getData('order');
        $given = $this->current->of($quote);
        if ($given === null || !$order instanceof Order) {
            return;
        }
        $order->setCanSendNewEmailFlag(false);
        $order->setCustomerNoteNotify(false);
        $order->setExtOrderId($given['ext_order_id'] ?? null);
        $order->setShippingDescription(Given::shippingTitle($given));
        $order->setData('storebridge_state', $given['state'] ?? Order::STATE_PROCESSING);
        $this->amounts->ofOrder($order, $given['totals']);
        foreach ($order->getAllItems() as $item) {
            $sold = $quote->getItemById($item->getQuoteItemId());
            $at = $sold ? $sold->getData('storebridge_line') : null;
            if ($at !== null) {
                $line = $given['items'][$at];
                $this->amounts->ofItem($item, $line);
                $item->setName((string)$line['name']);
                $item->setExtOrderItemId($line['ext_order_item_id'] ?? null);
            }
        }
        if (!empty($given['comment'])) {
            $order->addCommentToStatusHistory((string)$given['comment']);
        }
    }
}
