<?php
/**
 * Plugin Name: Storebridge for WooCommerce
 * Description: Sells what is in your store on marketplaces, and brings marketplace orders into the store, exactly and once.
 * Version: 1.0.0
 * Requires at least: 6.4
 * Requires PHP: 7.4
 * Requires Plugins: woocommerce
 * WC requires at least: 9.0
 * WC tested up to: 11.0
 * Author: Storebridge
 * License: Apache-2.0
 * License URI: https://www.apache.org/licenses/LICENSE-2.0
 * Text Domain: storebridge
 * Domain Path: /languages
 *
 * @package Storebridge
 */

defined( 'ABSPATH' ) || exit;

define( 'STOREBRIDGE_VERSION', '1.0.0' );
define( 'STOREBRIDGE_FILE', __FILE__ );

spl_autoload_register(
	function ( $name ) {
		if ( 0 === strpos( $name, 'Storebridge_' ) ) {
			$path = __DIR__ . '/includes/class-' . strtolower( str_replace( '_', '-', $name ) ) . '.php';
			if ( is_readable( $path ) ) {
				require_once $path;
			}
		}
	}
);

register_activation_hook( __FILE__, array( 'Storebridge_Plugin', 'activate' ) );
register_deactivation_hook( __FILE__, array( 'Storebridge_Plugin', 'deactivate' ) );

add_action(
	'before_woocommerce_init',
	function () {
		if ( class_exists( '\Automattic\WooCommerce\Utilities\FeaturesUtil' ) ) {
			\Automattic\WooCommerce\Utilities\FeaturesUtil::declare_compatibility( 'custom_order_tables', STOREBRIDGE_FILE, true );
		}
	}
);

add_action( 'woocommerce_loaded', array( 'Storebridge_Plugin', 'boot' ) );
