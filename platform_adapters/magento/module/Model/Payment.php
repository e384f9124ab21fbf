<?php

declare(strict_types=1);

namespace Storebridge\Connect\Model;

use Magento\Payment\Model\Method\AbstractMethod;
use Magento\Quote\Api\Data\CartInterface;
use Magento\Sales\Model\Order;

/**
 * Paid on the marketplace: offline, in no checkout, and for carts of marketplace orders only.
 */
class Payment extends AbstractMethod
{
    public const CODE = 'storebridge';
    public const TITLE = 'storebridge_title';

    protected $_code = self::CODE;
    protected $_isOffline = true;
    protected $_canUseInternal = false;
    protected $_canUseCheckout = false;
    protected $_isInitializeNeeded = true;

    public function isAvailable(?CartInterface $quote = null)
    {
        return $quote !== null && $quote->getPayment()->getMethod() === self::CODE;
    }

    /**
     * The title is what the order says of itself: where it says nothing, as the store has named the method. The admin's
     * page and the PDF ask for it here, everything else by getTitle(), which asks here too.
     */
    public function getConfigData($field, $storeId = null)
    {
        $info = $field === 'title' ? $this->getData('info_instance') : null;
        $own = $info ? (string)$info->getAdditionalInformation(self::TITLE) : '';
        return $own !== '' ? $own : parent::getConfigData($field, $storeId);
    }

    public function validate()
    {
        return $this;
    }

    public function initialize($paymentAction, $stateObject)
    {
        $isNew = $this->getInfoInstance()->getOrder()->getData('storebridge_state') === Order::STATE_NEW;
        $stateObject->setData('state', $isNew ? Order::STATE_NEW : Order::STATE_PROCESSING);
        $stateObject->setData('status', $isNew ? 'pending' : 'processing');
        $stateObject->setData('is_notified', false);
        return $this;
    }
}
