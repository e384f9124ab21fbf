<?php
/**
 * What is remembered of the connection.
 *
 * @package Storebridge
 */

defined( 'ABSPATH' ) || exit;

/**
 * The connection, in options that are not loaded with every page.
 */
class Storebridge_Settings {

	const OPTION  = 'storebridge_connection';
	const PENDING = 'storebridge_pending';
	const RETRY   = 'storebridge_retry';
	const CRON    = 'storebridge_cron';
	const EPOCH   = 'storebridge_epoch';
	const STYLE   = 'storebridge_style';
	const LOCK    = 'storebridge_lock';
	const ALL     = array( self::OPTION, self::PENDING, self::RETRY, self::CRON, self::EPOCH, self::STYLE, self::LOCK, 'storebridge_tables' );

	/**
	 * One value of the connection.
	 *
	 * @param string $name bridge, shop, connection, title, secret, key_id, gone or latest.
	 * @return string
	 */
	public function get( $name ) {
		$found = get_option( self::OPTION, array() );
		return is_array( $found ) && isset( $found[ $name ] ) ? (string) $found[ $name ] : '';
	}

	/**
	 * Changes values of the connection.
	 *
	 * @param array $values By name.
	 */
	public function set( array $values ) {
		$found = get_option( self::OPTION, array() );
		update_option( self::OPTION, array_merge( is_array( $found ) ? $found : array(), $values ), false );
	}

	/**
	 * Whether there is a bridge to tell anything.
	 *
	 * @return bool
	 */
	public function connected() {
		return '' !== $this->get( 'secret' ) && '' !== $this->get( 'connection' ) && '' === $this->get( 'gone' );
	}

	/**
	 * Nothing is sent any more, and the page says why.
	 */
	public function mark_gone() {
		$this->set( array( 'gone' => 'yes' ) );
	}

	/**
	 * A text made at installation: numbers of the outbox count from there.
	 *
	 * @return string
	 */
	public function epoch() {
		$epoch = (string) get_option( self::EPOCH, '' );
		if ( '' === $epoch ) {
			$epoch = bin2hex( random_bytes( 8 ) );
			add_option( self::EPOCH, $epoch, '', false );
		}
		return $epoch;
	}
}
