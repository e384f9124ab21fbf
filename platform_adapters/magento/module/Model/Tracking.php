<?php

declare(strict_types=1);

namespace Storebridge\Connect\Model;

use Magento\Framework\Mview\View\StateInterface;
use Magento\Framework\Mview\ViewInterface;
use Magento\Framework\Mview\ViewInterfaceFactory;
use Psr\Log\LoggerInterface;

/**
 * Magento's own change logs of products and stock: switched on, and read.
 * A merchant may set their indexers to "Update on Save", which switches them off: they are switched on again.
 */
class Tracking
{
    public const VIEWS = [
        'storebridge_product',
        'storebridge_product_attribute',
        'storebridge_source_item',
        'storebridge_reservation',
    ];
    private const STUCK = 3600;

    public function __construct(
        private readonly ViewInterfaceFactory $views,
        private readonly Memory $memory,
        private readonly LoggerInterface $log
    ) {
    }

    /**
     * What changed since the last time goes into the outbox. A view that fails does not stop the others.
     */
    public function run(): void
    {
        $notes = [];
        foreach (self::VIEWS as $id) {
            try {
                $this->update($id);
            } catch (\Exception $error) {
                $this->log->error("Storebridge, view $id: " . $error->getMessage());
                $notes[] = "Changes are not seen ($id): " . mb_substr($error->getMessage(), 0, 150);
            }
        }
        $this->memory->set(['tracking_note' => implode(' ', $notes)]);
    }

    /**
     * Forget what was read.
     */
    public function clean(): void
    {
        foreach (self::VIEWS as $id) {
            $view = $this->view($id);
            if ($view->isEnabled()) {
                $view->clearChangelog();
            }
        }
    }

    private function update(string $id): void
    {
        $view = $this->view($id);
        if (!$view->isEnabled()) {
            $view->subscribe();
            return;
        }
        if ($view->isWorking() && strtotime((string)$view->getUpdated() . ' UTC') < time() - self::STUCK) {
            // A process that was killed leaves its view at work for ever.
            $view->getState()->setStatus(StateInterface::STATUS_IDLE)->save();
        }
        $view->update();
    }

    private function view(string $id): ViewInterface
    {
        return $this->views->create()->load($id);
    }
}
