<?php
/**
 * When the plugin is deleted: the bridge is told, then its keys, the tables and the options go. Orders stay as they are.
 *
 * @package Storebridge
 */

defined( 'WP_UNINSTALL_PLUGIN' ) || exit;

foreach ( array( 'settings', 'answer', 'signer', 'bridge', 'connector', 'sender', 'tables' ) as $storebridge_part ) {
	require_once __DIR__ . "/includes/class-storebridge-$storebridge_part.php";
}

/**
 * Cleans one site.
 */
function storebridge_uninstall_site() {
	$settings = new Storebridge_Settings();
	( new Storebridge_Connector( $settings, new Storebridge_Bridge( $settings ) ) )->disconnect( 'removed' );
	Storebridge_Tables::drop();
	foreach ( Storebridge_Settings::ALL as $name ) {
		delete_option( $name );
	}
}

if ( is_multisite() ) {
	foreach ( get_sites( array( 'fields' => 'ids', 'number' => 0 ) ) as $storebridge_site ) { // phpcs:ignore WordPress.Arrays
		switch_to_blog( $storebridge_site );
		storebridge_uninstall_site();
		restore_current_blog();
	}
} else {
	storebridge_uninstall_site();
}
