<?php

declare(strict_types=1);

namespace Storebridge\Connect\Model\Mview;

use Magento\Framework\Indexer\ActionInterface as IndexerAction;
use Magento\Framework\Mview\ActionInterface as MviewAction;
use Storebridge\Connect\Model\Outbox;

/**
 * Products whose rows have changed, as the triggers of the database saw it. An index in name only: there is nothing to
 * build. (A view without an indexer can be left out when Magento writes triggers anew,
 * View\Collection::getOrderedViewIds.)
 */
class Changes implements IndexerAction, MviewAction
{
    public function __construct(protected readonly Outbox $outbox)
    {
    }

    public function execute($ids)
    {
        $this->outbox->add('product', $ids, 'product.changed');
    }

    public function executeFull()
    {
    }

    public function executeList(array $ids)
    {
    }

    public function executeRow($id)
    {
    }
}
