<?php
/**
 * When the plugin is deleted: its tables, its options and the keys of the bridge go. Orders stay as they are.
 *
 * @package Storebridge
 */

defined( 'WP_UNINSTALL_PLUGIN' ) || exit;

require_once __DIR__ . '/includes/class-storebridge-tables.php';
require_once __DIR__ . '/includes/class-storebridge-settings.php';
require_once __DIR__ . '/includes/class-storebridge-sender.php';

/**
 * Cleans one site.
 */
function storebridge_uninstall_site() {
	global $wpdb;
	$key_id = (int) ( new Storebridge_Settings() )->get( 'key_id' );
	if ( $key_id ) {
		$wpdb->delete( $wpdb->prefix . 'woocommerce_api_keys', array( 'key_id' => $key_id ), array( '%d' ) ); // phpcs:ignore WordPress.DB
	}
	Storebridge_Sender::unschedule();
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
