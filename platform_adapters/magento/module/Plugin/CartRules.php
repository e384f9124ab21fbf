<?php

declare(strict_types=1);

namespace Storebridge\Connect\Plugin;

use Magento\Quote\Model\Quote;
use Magento\Quote\Model\QuoteValidator;
use Storebridge\Connect\Model\Order\Current;

/**
 * What a shopper's cart has to fulfil (a minimum amount, a region, a country that is sold to), a marketplace order
 * does not.
 */
class CartRules
{
    public function __construct(private readonly Current $current)
    {
    }

    public function aroundValidateBeforeSubmit(QuoteValidator $subject, callable $proceed, Quote $quote): QuoteValidator
    {
        return $this->current->of($quote) === null ? $proceed($quote) : $subject;
    }
}
