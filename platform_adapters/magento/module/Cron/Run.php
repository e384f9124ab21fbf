<?php

declare(strict_types=1);

namespace Storebridge\Connect\Cron;

use Storebridge\Connect\Model\Memory;
use Storebridge\Connect\Model\Sender;
use Storebridge\Connect\Model\Settings;
use Storebridge\Connect\Model\Tracking;

/**
 * Each minute what changed is told, every five minutes that all is well.
 */
class Run
{
    public function __construct(
        private readonly Settings $settings,
        private readonly Tracking $tracking,
        private readonly Sender $sender,
        private readonly Memory $memory
    ) {
    }

    public function send(): void
    {
        $this->memory->set(['cron_at' => time()]);
        if ($this->settings->isConnected()) {
            $this->tracking->run();
            $this->sender->run();
        }
    }

    public function heartbeat(): void
    {
        if ($this->settings->isConnected()) {
            $this->sender->heartbeat();
            $this->tracking->clean();
        }
    }
}
