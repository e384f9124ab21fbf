<?php
/**
 * The plugin over thin stand-ins: WordPress's functions with a real database (SQLite) behind them, and of WooCommerce as
 * much as the plugin touches. What they do was compared with WooCommerce 11.0 (see the plugin's README).
 */

error_reporting( E_ALL );
define( 'ABSPATH', __DIR__ . '/standins/' );
define( 'PLUGIN', dirname( __DIR__, 3 ) . '/platform_adapters/woocommerce/plugin/storebridge' );

require __DIR__ . '/standins/wpdb.php';
require __DIR__ . '/standins/wordpress.php';
require __DIR__ . '/standins/woocommerce.php';
require __DIR__ . '/PluginCase.php';
require PLUGIN . '/storebridge.php';
