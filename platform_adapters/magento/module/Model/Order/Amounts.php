<?php

declare(strict_types=1);

namespace Storebridge\Connect\Model\Order;

use Magento\Framework\DataObject;
use Magento\Quote\Model\Quote\Address\Total;

/**
 * The marketplace's amounts, field by field. The store's books are in the order's currency (Cart has seen to it), so
 * that each stands twice.
 */
class Amounts
{
    private const PARTS = [
        'subtotal' => 'subtotal',
        'shipping' => 'shipping_amount',
        'tax' => 'tax_amount',
        'discount' => 'discount_amount',
    ];
    private const ITEM = [
        'price' => 'price',
        'original_price' => 'price',
        'calculation_price' => 'price',
        'converted_price' => 'price',
        'price_incl_tax' => 'price_incl_tax',
        'row_total' => 'row_total',
        'row_total_incl_tax' => 'row_total_incl_tax',
        'tax_amount' => 'tax_amount',
        'discount_amount' => 'discount_amount',
    ];
    private const FIXED_TAX = [
        'weee_tax_applied_amount', 'base_weee_tax_applied_amount', 'weee_tax_applied_row_amount',
        'base_weee_tax_applied_row_amnt', 'weee_tax_applied_amount_incl_tax', 'base_weee_tax_applied_amount_incl_tax',
        'weee_tax_applied_row_amount_incl_tax', 'base_weee_tax_applied_row_amnt_incl_tax', 'weee_tax_disposition',
        'base_weee_tax_disposition', 'weee_tax_row_disposition', 'base_weee_tax_row_disposition',
    ];

    /**
     * Of a cart. What other collectors have added beside these parts is taken out.
     */
    public function ofTotal(Total $total, array $given): void
    {
        foreach (array_keys($total->getAllTotalAmounts()) as $code) {
            $total->setTotalAmount($code, 0);
            $total->setBaseTotalAmount($code, 0);
        }
        foreach (self::PARTS as $code => $name) {
            $total->setTotalAmount($code, (float)$given[$name]);
            $total->setBaseTotalAmount($code, (float)$given[$name]);
        }
        $this->both($total, $given, array_combine(array_keys($given), array_keys($given)));
        $total->setData('base_subtotal_incl_tax', (float)$given['subtotal_incl_tax']);
        $total->setData('subtotal_with_discount', $given['subtotal'] + $given['discount_amount']);
        $total->setData('base_subtotal_with_discount', $given['subtotal'] + $given['discount_amount']);
        $total->setData('applied_taxes', []);
        $total->setData('items_applied_taxes', []);
    }

    /**
     * Of an item of a cart or of an order. A fixed product tax is a part of what the buyer has paid: left on the item,
     * each invoice and credit memo would add it once more.
     */
    public function ofItem(DataObject $item, array $given): void
    {
        $this->both($item, $given, self::ITEM);
        $item->addData(['weee_tax_applied' => '[]'] + array_fill_keys(self::FIXED_TAX, 0));
        $zero = ['discount_tax_compensation_amount', 'base_discount_tax_compensation_amount', 'discount_percent'];
        $item->addData(array_fill_keys($zero, 0));
        $item->setData('tax_percent', (float)$given['tax_percent']);
        $item->setData('applied_taxes', []);
    }

    /**
     * Of an order that is about to be placed.
     */
    public function ofOrder(DataObject $order, array $given): void
    {
        $this->both($order, $given, array_combine(array_keys($given), array_keys($given)));
        foreach (['total_due', 'base_total_due'] as $name) {
            $order->setData($name, (float)$given['grand_total']);
        }
        $more = ['shipping_discount_tax_compensation_amount', 'shipping_discount_amount'];
        $more[] = 'discount_tax_compensation_amount';
        foreach ($more as $name) {
            $order->setData($name, 0);
            $order->setData("base_$name", 0);
        }
    }

    private function both(DataObject $target, array $given, array $fields): void
    {
        foreach ($fields as $field => $name) {
            if (is_numeric($given[$name] ?? null)) {
                $target->setData($field, (float)$given[$name]);
                $target->setData("base_$field", (float)$given[$name]);
            }
        }
    }
}
