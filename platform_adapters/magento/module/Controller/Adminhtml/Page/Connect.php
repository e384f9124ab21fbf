<?php

declare(strict_types=1);

namespace Storebridge\Connect\Controller\Adminhtml\Page;

use Magento\Backend\App\Action;
use Magento\Backend\App\Action\Context;
use Magento\Framework\App\Action\HttpPostActionInterface;
use Magento\Framework\Controller\ResultInterface;
use Magento\Framework\Exception\LocalizedException;
use Magento\Framework\Oauth\Exception as OauthException;
use Storebridge\Connect\Model\Connector;
use Storebridge\Connect\Model\Settings;

/**
 * The merchant's one click, both ways.
 */
class Connect extends Action implements HttpPostActionInterface
{
    public const ADMIN_RESOURCE = 'Storebridge_Connect::change';

    public function __construct(
        Context $context,
        private readonly Connector $connector,
        private readonly Settings $settings
    ) {
        parent::__construct($context);
    }

    public function execute(): ResultInterface
    {
        try {
            $this->getRequest()->getParam('disconnect') ? $this->disconnect() : $this->connect();
        } catch (LocalizedException | OauthException $error) {
            $this->messageManager->addErrorMessage($error->getMessage());
        }
        return $this->resultRedirectFactory->create()->setPath('storebridge/page/index');
    }

    private function connect(): void
    {
        $bridge = trim((string)$this->getRequest()->getParam('bridge'));
        if ($bridge !== '' && $bridge !== $this->settings->bridge()) {
            if (!filter_var($bridge, FILTER_VALIDATE_URL) || !str_starts_with($bridge, 'http')) {
                throw new LocalizedException(__('Enter the address of Storebridge with https://.'));
            }
            $this->settings->saveBridge($bridge);
        }
        $user = $this->_auth->getUser();
        $told = $this->connector->connect((string)$user->getUserName(), (string)$user->getInterfaceLocale());
        if ($told->status === 200) {
            $this->messageManager->addSuccessMessage(__('Connected with Storebridge.'));
        } else {
            $this->messageManager->addErrorMessage(mb_substr(strip_tags($told->text), 0, 500));
        }
    }

    private function disconnect(): void
    {
        $this->connector->disconnect((string)$this->_auth->getUser()->getUserName());
        $this->messageManager->addSuccessMessage(__('Disconnected. Listings stay as they are.'));
    }
}
