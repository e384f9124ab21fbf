<?php

declare(strict_types=1);

namespace Storebridge\Connect\Model\Order;

use Magento\Catalog\Api\ProductRepositoryInterface;
use Magento\Catalog\Model\Product\Attribute\Source\Status;
use Magento\Customer\Api\Data\GroupInterface;
use Magento\Framework\Exception\LocalizedException;
use Magento\Quote\Model\Quote;
use Magento\Quote\Model\Quote\ItemFactory;
use Magento\Quote\Model\QuoteFactory;
use Magento\Store\Model\StoreManagerInterface;
use Storebridge\Connect\Model\Carrier;
use Storebridge\Connect\Model\Payment;

/**
 * A cart of what the marketplace has sold, at its prices. Each line is an item of its own, also of the same product. In
 * super mode, as the admin's carts are: a product that is off sale or sold out was sold all the same.
 */
class Cart
{
    public function __construct(
        private readonly QuoteFactory $quotes,
        private readonly ItemFactory $items,
        private readonly ProductRepositoryInterface $products,
        private readonly StoreManagerInterface $stores
    ) {
    }

    public function of(array $given): Quote
    {
        $store = $this->stores->getStore((int)$given['store_id']);
        if ($store->getBaseCurrencyCode() !== $given['currency']) {
            throw new LocalizedException(__('The store keeps its books in %1.', $store->getBaseCurrencyCode()));
        }
        $quote = $this->quotes->create();
        $quote->setStore($store);
        $quote->setForcedCurrency($store->getBaseCurrency());
        // Without the second, a product that is out of stock would keep its old quantity, which is none.
        $quote->setIsActive(false)->setIsSuperMode(true)->setIgnoreOldQty(true)->setCheckoutMethod('guest');
        $quote->setCustomerIsGuest(true)->setCustomerGroupId(GroupInterface::NOT_LOGGED_IN_ID);
        $quote->setCustomerEmail((string)$given['email'])->setCustomerNoteNotify(false);
        $quote->setCustomerFirstname((string)($given['billing_address']['firstname'] ?? ''));
        $quote->setCustomerLastname((string)($given['billing_address']['lastname'] ?? ''));
        $quote->setCustomerNote((string)($given['note'] ?? '') ?: null);
        foreach ($given['items'] as $at => $item) {
            $this->add($quote, $item, $at);
        }
        $quote->getBillingAddress()->addData($this->address($given['billing_address']));
        $quote->getShippingAddress()->addData($this->address($given['shipping_address']))->setSameAsBilling(false);
        return $quote;
    }

    /**
     * Once the cart is the current one, so that the own carrier and the own totals answer to it.
     */
    public function collect(Quote $quote, array $given): void
    {
        $address = $quote->getShippingAddress();
        // No other carrier is asked for its rates: some ask a server of theirs.
        $address->setLimitCarrier(Carrier::CODE);
        $address->setShippingMethod(Given::shippingMethod($given))->setCollectShippingRates(true);
        $quote->getPayment()->setMethod(Payment::CODE);
        if (!empty($given['payment_title'])) {
            $quote->getPayment()->setAdditionalInformation(Payment::TITLE, (string)$given['payment_title']);
        }
        $quote->setTotalsCollectedFlag(false)->collectTotals();
        $address->setShippingDescription(Given::shippingTitle($given));
    }

    private function add(Quote $quote, array $given, int $at): void
    {
        $product = $this->products->getById((int)$given['product_id'], false, $quote->getStoreId(), true);
        // A copy of our own, never saved: Magento leaves items of disabled products out of an order, without a word.
        $product->setStatus(Status::STATUS_ENABLED);
        $product->addCustomOption('info_buyRequest', json_encode(['qty' => (float)$given['qty_ordered']]));
        $item = $this->items->create();
        $item->setQuote($quote)->setStoreId($quote->getStoreId());
        $item->setOptions($product->getCustomOptions())->setProduct($product);
        $quote->addItem($item);
        $item->setQty((float)$given['qty_ordered']);
        $item->setCustomPrice((float)$given['price'])->setOriginalCustomPrice((float)$given['price']);
        $item->setNoDiscount(true)->setData('storebridge_line', $at);
    }

    private function address(array $given): array
    {
        $names = [
            'firstname', 'lastname', 'company', 'city', 'postcode', 'region', 'country_id', 'telephone', 'email',
            'vat_id',
        ];
        $kept = array_map('strval', array_intersect_key($given, array_flip($names)));
        return $kept + ['street' => implode("\n", array_map('strval', (array)($given['street'] ?? [])))];
    }
}
