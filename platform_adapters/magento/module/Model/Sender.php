<?php

declare(strict_types=1);

namespace Storebridge\Connect\Model;

use Magento\Framework\Lock\LockManagerInterface;

/**
 * Tells the bridge what waits, one batch after the other. After a failure it waits 1, 5, 15 minutes, then an hour
 * each time.
 */
class Sender
{
    private const LOCK = 'storebridge_sender';
    private const PAUSES = [60, 300, 900, 3600];
    private const SECONDS = 40;

    public function __construct(
        private readonly Outbox $outbox,
        private readonly Client $client,
        private readonly Settings $settings,
        private readonly Memory $memory,
        private readonly Health $health,
        private readonly LockManagerInterface $locks
    ) {
    }

    /**
     * How many events were taken. Does nothing while another process sends, or while it is to wait.
     */
    public function run(): int
    {
        if (!$this->settings->isConnected() || (int)$this->memory->get('next_at') > time()) {
            return 0;
        }
        if (!$this->locks->lock(self::LOCK, 0)) {
            return 0;
        }
        try {
            return $this->send(time() + self::SECONDS);
        } finally {
            $this->locks->unlock(self::LOCK);
        }
    }

    /**
     * A row that changes nothing, sent at once with what waits, whatever was put off. What the bridge answered instead
     * of taking it; empty when it was taken or another process is at it; null when nobody is connected.
     */
    public function test(string $marker): ?string
    {
        if (!$this->settings->isConnected()) {
            return null;
        }
        $this->outbox->add('test', [$marker], 'test');
        $this->memory->set(['next_at' => 0]);
        $this->run();
        return $this->settings->isConnected() ? (string)$this->memory->get('said') : null;
    }

    public function heartbeat(): Told
    {
        $told = $this->client->tell('heartbeat', $this->health->told());
        $this->noted($told);
        if ($told->isGenuine) {
            $this->memory->set(['latest' => (string)($told->json()['latest'] ?? '')]);
        }
        return $told;
    }

    private function send(int $until): int
    {
        $this->outbox->expire();
        $sent = 0;
        while (time() < $until && ($rows = $this->outbox->batch())) {
            $told = $this->client->tell('events', $this->body($rows));
            $this->noted($told);
            if (!$told->isGenuine) {
                return $sent;
            }
            $this->outbox->remove(array_column($rows, 'id'));
            $sent += count($rows);
        }
        if ($sent) {
            $this->heartbeat();
        }
        return $sent;
    }

    private function body(array $rows): array
    {
        $events = array_map(static fn (array $row): array => [
            'id' => (int)$row['number'],
            'kind' => $row['kind'],
            'external_id' => (string)$row['external_id'],
            'topic' => $row['topic'],
            'at' => Moment::said((string)$row['created_at']),
        ], $rows);
        return ['epoch' => $this->memory->epoch(), 'events' => $events];
    }

    /**
     * A good answer ends the waiting. A connection that is gone is forgotten.
     */
    private function noted(Told $told): void
    {
        if ($told->status === 410) {
            $this->settings->disconnected();
        }
        $failures = $told->isGenuine ? 0 : (int)$this->memory->get('failures') + 1;
        $pause = self::PAUSES[min($failures, count(self::PAUSES)) - 1] ?? 0;
        $this->memory->set([
            'failures' => $failures,
            'next_at' => $failures ? time() + max($pause, $told->retryAfter) : 0,
            'last_status' => $told->status,
            'said' => $told->isGenuine ? '' : mb_substr(strip_tags($told->text), 0, 300),
        ]);
    }
}
