<?php

declare(strict_types=1);

namespace Storebridge\Connect\Api;

/**
 * What the bridge asks of the store. Magento's REST keeps the names of a table only inside a list
 * (ServiceOutputProcessor), so that a single table is answered as a list of one.
 *
 * @api
 */
interface BridgeInterface
{
    /**
     * Place an order once: the same channel and external id again is the same order.
     *
     * @param mixed $order
     * @return mixed[]
     * @throws \Magento\Framework\Exception\LocalizedException
     */
    public function place($order);

    /**
     * The orders that were placed for these references.
     *
     * @param mixed $refs
     * @return mixed[]
     */
    public function find($refs);

    /**
     * How many of each product the website can sell.
     *
     * @param string[] $skus
     * @param string $website
     * @return mixed[]
     */
    public function salable(array $skus, string $website);

    /**
     * How the module is.
     *
     * @return mixed[]
     */
    public function health();

    /**
     * Tell the bridge at once, signed, of something that changes nothing.
     *
     * @param string $marker
     * @return mixed[]
     * @throws \Magento\Framework\Exception\LocalizedException
     */
    public function test(string $marker);

    /**
     * Show that this store has just asked to be connected. Each code is good once.
     *
     * @param string $code
     * @param string $challenge
     * @return mixed[]
     * @throws \Magento\Framework\Exception\LocalizedException
     */
    public function prove(string $code, string $challenge);
}
