<?php
/**
 * The plugin's own tables.
 *
 * @package Storebridge
 */

defined( 'ABSPATH' ) || exit;

/**
 * Makes them and takes them away.
 */
class Storebridge_Tables {

	const VERSION = '1';
	const NAMES   = array( 'storebridge_outbox', 'storebridge_orders', 'storebridge_stock' );

	/**
	 * The full name of a table.
	 *
	 * @param string $name One of NAMES.
	 * @return string
	 */
	public static function name( $name ) {
		global $wpdb;
		return $wpdb->prefix . $name;
	}

	/**
	 * Creates or changes the tables. InnoDB is asked for: a row and the change it tells of go into one transaction.
	 * Names of others are kept as bytes: to a text column "A1" and "a1" would be the same order.
	 */
	public static function install() {
		global $wpdb;
		require_once ABSPATH . 'wp-admin/includes/upgrade.php';
		$collate = 'ENGINE=InnoDB ' . $wpdb->get_charset_collate();

		dbDelta(
			'CREATE TABLE ' . self::name( 'storebridge_outbox' ) . " (
			id bigint(20) unsigned NOT NULL AUTO_INCREMENT,
			kind varchar(10) NOT NULL,
			external_id varchar(40) NOT NULL,
			topic varchar(60) NOT NULL,
			happened_at bigint(20) NOT NULL,
			sent tinyint(1) NOT NULL DEFAULT 0,
			PRIMARY KEY  (id),
			KEY sent (sent,id)
			) $collate;"
		);
		dbDelta(
			'CREATE TABLE ' . self::name( 'storebridge_orders' ) . " (
			id bigint(20) unsigned NOT NULL AUTO_INCREMENT,
			channel varbinary(80) NOT NULL,
			external_id varbinary(100) NOT NULL,
			order_id bigint(20) unsigned NOT NULL DEFAULT 0,
			state varchar(10) NOT NULL,
			token varchar(40) NOT NULL,
			claimed_at bigint(20) NOT NULL,
			PRIMARY KEY  (id),
			UNIQUE KEY channel (channel,external_id)
			) $collate;"
		);
		dbDelta(
			'CREATE TABLE ' . self::name( 'storebridge_stock' ) . " (
			id bigint(20) unsigned NOT NULL AUTO_INCREMENT,
			change_key varbinary(80) NOT NULL,
			product_id bigint(20) unsigned NOT NULL,
			happened_at bigint(20) NOT NULL,
			PRIMARY KEY  (id),
			UNIQUE KEY change_key (change_key,product_id),
			KEY happened_at (happened_at)
			) $collate;"
		);
		update_option( 'storebridge_tables', self::VERSION );
	}

	/**
	 * Removes the tables.
	 */
	public static function drop() {
		global $wpdb;
		foreach ( self::NAMES as $name ) {
			$table = self::name( $name );
			$wpdb->query( "DROP TABLE IF EXISTS $table" ); // phpcs:ignore WordPress.DB -- a name of our own, at uninstallation.
		}
	}
}
