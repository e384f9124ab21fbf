<?php

declare(strict_types=1);

namespace Storebridge\Connect\Model\Order;

use Magento\Quote\Api\Data\ShippingAssignmentInterface;
use Magento\Quote\Model\Quote;
use Magento\Quote\Model\Quote\Address;
use Magento\Quote\Model\Quote\Address\Total;
use Magento\Quote\Model\Quote\Address\Total\AbstractTotal;

/**
 * The last collector: the amounts of a marketplace order are those that the buyer has paid, whatever taxes, rules and
 * rounding of the store would make of them. Other carts are left alone.
 */
class Totals extends AbstractTotal
{
    public function __construct(
        private readonly Current $current,
        private readonly Amounts $amounts
    ) {
        $this->setCode('storebridge');
    }

    public function collect(Quote $quote, ShippingAssignmentInterface $shippingAssignment, Total $total)
    {
        parent::collect($quote, $shippingAssignment, $total);
        $given = $this->current->of($quote);
        $isShipping = $shippingAssignment->getShipping()->getAddress()->getAddressType() === Address::TYPE_SHIPPING;
        if ($given !== null && $isShipping) {
            $this->amounts->ofTotal($total, $given['totals']);
            foreach ($shippingAssignment->getItems() as $item) {
                $at = $item->getData('storebridge_line');
                if ($at !== null) {
                    $this->amounts->ofItem($item, $given['items'][$at]);
                }
            }
        }
        return $this;
    }
}
