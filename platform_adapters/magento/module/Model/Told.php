<?php

declare(strict_types=1);

namespace Storebridge\Connect\Model;

/**
 * What the bridge has answered. Status 0: nothing. A genuine one is a 200 that carries the bridge's signature.
 */
class Told
{
    public function __construct(
        public readonly int $status,
        public readonly string $text,
        public readonly bool $isGenuine = false,
        public readonly int $retryAfter = 0
    ) {
    }

    public function json(): array
    {
        $found = json_decode($this->text, true);
        return is_array($found) ? $found : [];
    }
}
