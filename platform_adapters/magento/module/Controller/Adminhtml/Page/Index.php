<?php

declare(strict_types=1);

namespace Storebridge\Connect\Controller\Adminhtml\Page;

use Magento\Backend\App\Action;
use Magento\Backend\App\Action\Context;
use Magento\Framework\App\Action\HttpGetActionInterface;
use Magento\Framework\App\Action\HttpPostActionInterface;
use Magento\Framework\Controller\Result\RawFactory;
use Magento\Framework\Controller\ResultInterface;
use Magento\Framework\View\Result\PageFactory;
use Storebridge\Connect\Model\Page;
use Storebridge\Connect\Model\Settings;
use Storebridge\Connect\Model\Told;

/**
 * The bridge's page inside the admin. Magento itself has checked the form key of whatever is posted.
 */
class Index extends Action implements HttpGetActionInterface, HttpPostActionInterface
{
    public const ADMIN_RESOURCE = 'Storebridge_Connect::page';

    public function __construct(
        Context $context,
        private readonly PageFactory $pages,
        private readonly RawFactory $raws,
        private readonly Page $page,
        private readonly Settings $settings
    ) {
        parent::__construct($context);
    }

    public function execute(): ResultInterface
    {
        $told = $this->settings->isConnected() ? $this->asked() : null;
        $answer = $told?->isGenuine ? $told->json() : [];
        if (is_array($answer['redirect'] ?? null)) {
            $query = (array)($answer['redirect']['query'] ?? []);
            $target = ['_query' => ['path' => (string)$answer['redirect']['path']] + $query];
            return $this->resultRedirectFactory->create()->setPath('storebridge/page/index', $target);
        }
        $file = $answer['download'] ?? null;
        return is_array($file) ? $this->file($file) : $this->printed($told, $answer);
    }

    private function asked(): Told
    {
        $request = $this->getRequest();
        return $this->page->asked(
            $request->isPost() ? 'POST' : 'GET',
            (string)$request->getParam('path'),
            $request->getQuery()->toArray(),
            $request->isPost() ? $request->getPost()->toArray() : [],
            $request->isPost() ? $request->getFiles()->toArray() : [],
            $this->_auth->getUser()
        );
    }

    private function printed(?Told $told, array $answer): ResultInterface
    {
        $page = $this->pages->create();
        $page->setActiveMenu('Storebridge_Connect::page');
        $title = (string)($answer['title'] ?? '');
        $page->getConfig()->getTitle()->prepend($title === '' ? 'Storebridge' : "$title · Storebridge");
        $page->getLayout()->getBlock('storebridge.page')->addData([
            'told' => $told,
            'html' => (string)($answer['html'] ?? ''),
            'style' => $this->page->style(),
            'bridge' => $this->settings->bridge(),
            'posted' => $this->getRequest()->isPost(),
            'query' => array_diff_key($this->getRequest()->getQuery()->toArray(), ['key' => '']),
            'can_change' => $this->_authorization->isAllowed('Storebridge_Connect::change'),
        ]);
        return $page;
    }

    private function file(array $file): ResultInterface
    {
        $name = preg_replace('/[^A-Za-z0-9._-]+/', '-', (string)($file['name'] ?? 'file'));
        return $this->raws->create()
            ->setHeader('Content-Type', (string)($file['type'] ?? 'application/octet-stream'), true)
            ->setHeader('Content-Disposition', "attachment; filename=\"$name\"", true)
            ->setHeader('X-Content-Type-Options', 'nosniff', true)
            ->setContents((string)base64_decode((string)($file['base64'] ?? ''), true));
    }
}
