<?php

declare(strict_types=1);

namespace Storebridge\Connect\Setup;

use Magento\Framework\Mview\ViewInterfaceFactory;
use Magento\Framework\Setup\ModuleContextInterface;
use Magento\Framework\Setup\SchemaSetupInterface;
use Magento\Framework\Setup\UninstallInterface;
use Storebridge\Connect\Model\Connector;
use Storebridge\Connect\Model\Tracking;

/**
 * Leaves nothing behind but the orders: no trigger, no change log, no flag, no setting.
 */
class Uninstall implements UninstallInterface
{
    public function __construct(
        private readonly ViewInterfaceFactory $views,
        private readonly Connector $connector
    ) {
    }

    public function uninstall(SchemaSetupInterface $setup, ModuleContextInterface $context)
    {
        $this->connector->disconnect('', 'removed');
        foreach (Tracking::VIEWS as $id) {
            $view = $this->views->create()->load($id);
            if ($view->isEnabled()) {
                $view->unsubscribe();
                $view->getChangelog()->drop();
            }
        }
        $connection = $setup->getConnection();
        $connection->delete($setup->getTable('flag'), ['flag_code LIKE ?' => 'storebridge\_%']);
        $connection->delete($setup->getTable('core_config_data'), ['path LIKE ?' => 'storebridge/%']);
    }
}
