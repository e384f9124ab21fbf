<?php

declare(strict_types=1);

namespace Storebridge\Connect\Model;

/**
 * How the module is, as the heartbeat tells it.
 */
class Health
{
    private const LATE = 900;

    public function __construct(
        private readonly Edition $edition,
        private readonly Outbox $outbox,
        private readonly Memory $memory
    ) {
    }

    public function told(): array
    {
        $at = (int)$this->memory->get('cron_at');
        $notes = array_filter([
            $at > time() - self::LATE ? '' : "Magento's cron does not run (bin/magento cron:run).",
            (string)$this->memory->get('tracking_note'),
        ]);
        return [
            'version' => Settings::VERSION,
            'platform_version' => $this->edition->named(),
            'php' => PHP_VERSION,
            'epoch' => $this->memory->epoch(),
            'outbox' => [
                'depth' => $this->outbox->depth(),
                'oldest_at' => $this->outbox->oldest(),
                'last_id' => $this->outbox->lastNumber(),
            ],
            'cron' => [
                'last_run' => $at ? Moment::of($at) : null,
                'healthy' => $notes === [],
                'note' => implode(' ', $notes),
            ],
        ];
    }
}
