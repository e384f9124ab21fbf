<?php

declare(strict_types=1);

namespace Storebridge\Connect\Model\Order;

use Magento\Framework\Exception\InputException;

/**
 * What the bridge gives for an order, looked through before anything is written. README.md says what is in it.
 */
class Given
{
    private const NEEDED = [
        'channel', 'external_id', 'store_id', 'currency', 'items', 'totals', 'billing_address', 'shipping_address',
        'email',
    ];
    private const TOTALS = [
        'subtotal', 'subtotal_incl_tax', 'shipping_amount', 'shipping_incl_tax', 'shipping_tax_amount', 'tax_amount',
        'discount_amount', 'grand_total',
    ];
    private const ITEM = [
        'product_id', 'qty_ordered', 'name', 'price', 'price_incl_tax', 'row_total', 'row_total_incl_tax', 'tax_amount',
        'tax_percent',
    ];

    private const OWN_METHOD = 'storebridge_storebridge';
    private const METHOD = '/^[A-Za-z0-9]+_[A-Za-z0-9_-]+$/';

    /**
     * @throws InputException naming the field
     */
    public function validated(array $order): array
    {
        $this->need($order, self::NEEDED, '');
        $this->need($order['totals'], self::TOTALS, 'totals.', true);
        foreach ($order['items'] as $at => $item) {
            $this->need(is_array($item) ? $item : [], self::ITEM, "items[$at].", false, ['name']);
        }
        $totals = $order['totals'];
        $sum = $totals['subtotal'] + $totals['shipping_amount'] + $totals['tax_amount'] + $totals['discount_amount'];
        if (abs($sum - $totals['grand_total']) > 0.005) {
            throw new InputException(__("The order's parts do not add up to its total."));
        }
        if (($order['shipping_method'] ?? '') !== '' && !preg_match(self::METHOD, (string)$order['shipping_method'])) {
            throw new InputException(__('A shipping method is written as carrier_method.'));
        }
        return $order;
    }

    /**
     * The shipping method that the order is to have, as carrier_method.
     */
    public static function shippingMethod(array $order): string
    {
        return (string)($order['shipping_method'] ?? '') ?: self::OWN_METHOD;
    }

    public static function shippingTitle(array $order): string
    {
        return (string)($order['shipping_title'] ?? $order['label'] ?? '');
    }

    private function need(mixed $in, array $names, string $where, bool $numbers = false, array $texts = []): void
    {
        foreach ($names as $name) {
            $value = is_array($in) ? ($in[$name] ?? null) : null;
            $isNumber = $numbers || ($where !== '' && !in_array($name, $texts, true));
            if ($value === null || $value === '' || $value === [] || ($isNumber && !is_numeric($value))) {
                throw InputException::requiredField($where . $name);
            }
        }
    }
}
