<?php

declare(strict_types=1);

namespace Storebridge\Connect\Model;

use Magento\Framework\FlagManager;

/**
 * What the module must remember from one run to the next. Each thing is a flag of its own, so that two processes that
 * remember different things do not overwrite each other.
 */
class Memory
{
    private const PREFIX = 'storebridge_';

    public function __construct(private readonly FlagManager $flags)
    {
    }

    public function get(string $name): mixed
    {
        return $this->flags->getFlagData(self::PREFIX . $name);
    }

    public function set(array $values): void
    {
        foreach ($values as $name => $value) {
            $this->flags->saveFlag(self::PREFIX . $name, $value);
        }
    }

    /**
     * A text made at installation: numbers of the outbox never start anew while it stays the same.
     */
    public function epoch(): string
    {
        $epoch = $this->get('epoch');
        if (!is_string($epoch) || $epoch === '') {
            $epoch = bin2hex(random_bytes(8));
            $this->set(['epoch' => $epoch]);
        }
        return $epoch;
    }
}
