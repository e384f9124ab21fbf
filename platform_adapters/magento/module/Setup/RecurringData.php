<?php

declare(strict_types=1);

namespace Storebridge\Connect\Setup;

use Magento\Framework\Setup\InstallDataInterface;
use Magento\Framework\Setup\ModuleContextInterface;
use Magento\Framework\Setup\ModuleDataSetupInterface;
use Storebridge\Connect\Model\Order\Ledger;

/**
 * At each setup:upgrade. Where the module was switched off meanwhile, Magento has dropped its tables.
 */
class RecurringData implements InstallDataInterface
{
    public function __construct(private readonly Ledger $ledger)
    {
    }

    public function install(ModuleDataSetupInterface $setup, ModuleContextInterface $context)
    {
        $this->ledger->restore();
    }
}
