<?php

declare(strict_types=1);

namespace Storebridge\Connect\Controller\Activate;

use Magento\Framework\App\Action\HttpGetActionInterface;
use Magento\Framework\App\Config\ScopeConfigInterface;
use Magento\Framework\App\RequestInterface;
use Magento\Framework\Controller\Result\RawFactory;
use Magento\Framework\Controller\Result\RedirectFactory;
use Magento\Framework\Controller\ResultInterface;
use Magento\Framework\Exception\LocalizedException;
use Storebridge\Connect\Model\Connector;
use Storebridge\Connect\Model\Settings;
use Storebridge\Connect\Model\Told;

/**
 * The identity link of the integration: Magento's "Activate" opens it in a pop-up, with the consumer's key. The browser
 * stays at its own store.
 */
class Index implements HttpGetActionInterface
{
    private const ADMIN_URL = 'admin/url/custom';

    public function __construct(
        private readonly RequestInterface $request,
        private readonly Connector $connector,
        private readonly Settings $settings,
        private readonly ScopeConfigInterface $config,
        private readonly RawFactory $raws,
        private readonly RedirectFactory $redirects
    ) {
    }

    public function execute(): ResultInterface
    {
        try {
            $told = $this->connector->activate((string)$this->request->getParam('oauth_consumer_key'));
        } catch (LocalizedException $error) {
            $told = new Told(409, $error->getMessage());
        }
        $back = (string)$this->request->getParam('success_call_back');
        if ($told->status === 200 && $this->isOurs($back)) {
            return $this->redirects->create()->setUrl($back);
        }
        $words = $told->status === 200 ? (string)__('Connected. You can close this window.') : $told->text;
        return $this->raws->create()
            ->setHttpResponseCode($told->status === 200 ? 200 : 400)
            ->setHeader('Content-Type', 'text/plain; charset=utf-8', true)
            ->setHeader('Cache-Control', 'no-store', true)
            ->setContents(mb_substr(strip_tags($words), 0, 500));
    }

    /**
     * Nobody is sent anywhere but to this store's own admin.
     */
    private function isOurs(string $url): bool
    {
        $own = [$this->settings->storeUrl(), (string)$this->config->getValue(self::ADMIN_URL)];
        $hosts = array_filter(array_map(static fn (string $found) => parse_url($found, PHP_URL_HOST), $own));
        $isWeb = in_array(parse_url($url, PHP_URL_SCHEME), ['http', 'https'], true);
        return $isWeb && in_array(parse_url($url, PHP_URL_HOST), $hosts, true);
    }
}
