<?php

declare(strict_types=1);

namespace Storebridge\Connect\Model\Order;

use Magento\Framework\Exception\AlreadyExistsException;
use Magento\Framework\Exception\LocalizedException;
use Magento\Framework\Lock\LockManagerInterface;
use Magento\Framework\Webapi\Exception as WebapiException;
use Magento\Quote\Api\CartRepositoryInterface;
use Magento\Quote\Model\Quote;
use Magento\Quote\Model\QuoteManagement;
use Magento\Sales\Api\Data\OrderInterface;
use Magento\Sales\Api\InvoiceOrderInterface;
use Magento\Sales\Api\OrderRepositoryInterface;
use Magento\Store\Model\StoreManagerInterface;

/**
 * Places a marketplace order the way a checkout does, so that reservations, numbers and events are as of any other
 * order, and places it once.
 */
class Placer
{
    private const WAIT = 20;

    public function __construct(
        private readonly Given $given,
        private readonly Ledger $ledger,
        private readonly Cart $cart,
        private readonly Current $current,
        private readonly CartRepositoryInterface $quotes,
        private readonly QuoteManagement $management,
        private readonly OrderRepositoryInterface $orders,
        private readonly InvoiceOrderInterface $invoices,
        private readonly StoreManagerInterface $stores,
        private readonly LockManagerInterface $locks
    ) {
    }

    /**
     * @return array {order_id, increment_id, created}
     */
    public function place(array $given): array
    {
        $given = $this->given->validated($given);
        $name = 'storebridge_' . hash('sha1', $given['channel'] . "\n" . $given['external_id']);
        if (!$this->locks->lock($name, self::WAIT)) {
            throw new WebapiException(__('This order is being placed right now. Ask again.'), 0, 503);
        }
        $before = $this->stores->getStore()->getId();
        $this->stores->setCurrentStore((int)$given['store_id']);
        try {
            return $this->once($given);
        } finally {
            $this->stores->setCurrentStore($before);
            $this->locks->unlock($name);
        }
    }

    private function once(array $given): array
    {
        $row = $this->ledger->take((string)$given['channel'], (string)$given['external_id'], (int)$given['store_id']);
        $known = $this->ledger->orderId($row);
        $order = $known ? $this->orders->get($known) : $this->submitted($given, $row);
        $this->invoiced($order, $given);
        return [
            'order_id' => (int)$order->getEntityId(),
            'increment_id' => $order->getIncrementId(),
            'created' => $known === 0,
        ];
    }

    private function submitted(array $given, array $row): OrderInterface
    {
        $quote = $this->cart->of($given);
        return $this->current->during($given, $quote, function () use ($given, $row, $quote): OrderInterface {
            $this->cart->collect($quote, $given);
            $this->quotes->save($quote);
            $this->reserve($quote, $row);
            $this->mustBeExact($quote, $given);
            $order = $this->management->submit($quote);
            if (!$order instanceof OrderInterface) {
                throw new LocalizedException(__('Magento placed no order of this cart.'));
            }
            return $order;
        });
    }

    /**
     * The number goes into the ledger before there is an order of it. Where it is taken already, another process was
     * faster: there is nothing to place any more.
     */
    private function reserve(Quote $quote, array $row): void
    {
        $quote->setReservedOrderId($row['increment_id'] ?: null);
        $quote->reserveOrderId();
        $number = (string)$quote->getReservedOrderId();
        if ($row['increment_id'] && $number !== (string)$row['increment_id']) {
            throw new AlreadyExistsException(__('This order was placed meanwhile.'));
        }
        $this->ledger->number((string)$row['channel'], (string)$row['external_id'], $number);
    }

    private function mustBeExact(Quote $quote, array $given): void
    {
        if (count($quote->getAllItems()) !== count($given['items'])) {
            throw new LocalizedException(__('Magento leaves a line of this order out. The order was not placed.'));
        }
        $total = (float)$quote->getGrandTotal();
        if (abs($total - (float)$given['totals']['grand_total']) > 0.0001) {
            throw new LocalizedException(
                __('Another module of this store changes the total to %1. The order was not placed.', $total)
            );
        }
    }

    private function invoiced(OrderInterface $order, array $given): void
    {
        if (!empty($given['invoice']) && $order->canInvoice() && !(float)$order->getTotalInvoiced()) {
            $this->invoices->execute((int)$order->getEntityId(), true, [], false);
        }
    }
}
