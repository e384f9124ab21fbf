<?php

declare(strict_types=1);

namespace Storebridge\Connect\Model;

use Magento\Framework\App\Config\ScopeConfigInterface;
use Magento\Quote\Model\Quote\Address\RateRequest;
use Magento\Quote\Model\Quote\Address\RateResult\ErrorFactory;
use Magento\Quote\Model\Quote\Address\RateResult\MethodFactory;
use Magento\Shipping\Model\Carrier\AbstractCarrier;
use Magento\Shipping\Model\Carrier\CarrierInterface;
use Magento\Shipping\Model\Rate\ResultFactory;
use Psr\Log\LoggerInterface;
use Storebridge\Connect\Model\Order\Current;
use Storebridge\Connect\Model\Order\Given;

/**
 * As the marketplace has promised it. Offers itself to the marketplace order that is being placed and to nobody else.
 */
class Carrier extends AbstractCarrier implements CarrierInterface
{
    public const CODE = 'storebridge';

    protected $_code = self::CODE;
    protected $_isFixed = true;

    public function __construct(
        ScopeConfigInterface $scopeConfig,
        ErrorFactory $rateErrorFactory,
        LoggerInterface $logger,
        private readonly ResultFactory $results,
        private readonly MethodFactory $methods,
        private readonly Current $current,
        array $data = []
    ) {
        parent::__construct($scopeConfig, $rateErrorFactory, $logger, $data);
    }

    public function collectRates(RateRequest $request)
    {
        $items = $request->getAllItems();
        $given = $items ? $this->current->of(reset($items)->getQuote()) : null;
        if ($given === null) {
            return false;
        }
        // Magento places no order whose method has no rate: the merchant's own method gets this one.
        [$carrier, $code] = explode('_', Given::shippingMethod($given), 2);
        $method = $this->methods->create();
        $method->setData([
            'carrier' => $carrier,
            'carrier_title' => (string)$this->getConfigData('title'),
            'method' => $code,
            'method_title' => Given::shippingTitle($given),
        ]);
        $method->setPrice((float)$given['totals']['shipping_amount']);
        $method->setCost((float)$given['totals']['shipping_amount']);
        return $this->results->create()->append($method);
    }

    public function getAllowedMethods()
    {
        return [self::CODE => (string)$this->getConfigData('title')];
    }

    public function isTrackingAvailable()
    {
        return true;
    }
}
