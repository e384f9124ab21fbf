<?php

declare(strict_types=1);

namespace Storebridge\Connect\Model\Order;

use Magento\Quote\Api\Data\CartInterface;

/**
 * The marketplace order that is being placed right now, if one is. What shoppers do is never touched by what follows
 * from it: own amounts, own payment and carrier, no second look at the stock of what is sold already.
 */
class Current
{
    private ?array $order = null;
    private ?CartInterface $quote = null;

    public function during(array $order, CartInterface $quote, callable $work): mixed
    {
        [$this->order, $this->quote] = [$order, $quote];
        try {
            return $work();
        } finally {
            [$this->order, $this->quote] = [null, null];
        }
    }

    public function isOn(): bool
    {
        return $this->order !== null;
    }

    /**
     * The order of this cart; null for any other cart.
     */
    public function of(mixed $quote): ?array
    {
        return $this->order !== null && $quote === $this->quote ? $this->order : null;
    }
}
