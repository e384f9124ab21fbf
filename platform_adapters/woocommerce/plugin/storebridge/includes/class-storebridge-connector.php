<?php
/**
 * Connecting, in one click.
 *
 * @package Storebridge
 */

defined( 'ABSPATH' ) || exit;

/**
 * Makes keys, a secret and a code that is good once; the bridge calls back with the code and is given the rest.
 */
class Storebridge_Connector {

	const MINUTES = 10;

	/**
	 * What is remembered.
	 *
	 * @var Storebridge_Settings
	 */
	private $settings;

	/**
	 * Calls to the bridge.
	 *
	 * @var Storebridge_Bridge
	 */
	private $bridge;

	/**
	 * Made by Storebridge_Plugin.
	 *
	 * @param Storebridge_Settings $settings What is remembered.
	 * @param Storebridge_Bridge   $bridge   Calls to the bridge.
	 */
	public function __construct( Storebridge_Settings $settings, Storebridge_Bridge $bridge ) {
		$this->settings = $settings;
		$this->bridge   = $bridge;
	}

	/**
	 * An address as it is kept: https, no slash at the end. Plain http only to this very machine.
	 *
	 * @param string $given What was typed.
	 * @return string Empty where it is no address.
	 */
	public static function address( $given ) {
		$given = trim( $given );
		if ( '' !== $given && false === strpos( $given, '://' ) ) {
			$given = 'https://' . $given;
		}
		$parts  = wp_parse_url( $given );
		$scheme = isset( $parts['scheme'] ) ? strtolower( $parts['scheme'] ) : '';
		$host   = isset( $parts['host'] ) ? strtolower( $parts['host'] ) : '';
		$local  = in_array( $host, array( 'localhost', '127.0.0.1', '[::1]' ), true );
		if ( '' === $host || isset( $parts['user'] ) || ( 'https' !== $scheme && ! ( 'http' === $scheme && $local ) ) ) {
			return '';
		}
		$port = isset( $parts['port'] ) ? ':' . $parts['port'] : '';
		$path = isset( $parts['path'] ) ? rtrim( $parts['path'], '/' ) : '';
		return $scheme . '://' . $host . $port . $path;
	}

	/**
	 * The store's address as it is set; plugins for several languages change what home_url() says.
	 *
	 * @return string
	 */
	private static function home() {
		return untrailingslashit( get_option( 'home' ) );
	}

	/**
	 * What stands in the way of being connected, in words.
	 *
	 * @return string Empty where nothing does.
	 */
	public static function obstacle() {
		if ( '' === (string) get_option( 'permalink_structure' ) ) {
			return __( 'WordPress shows its pages under plain addresses, and its REST API cannot be reached like that. Choose anything but "Plain" in Settings, Permalinks.', 'storebridge' );
		}
		return '';
	}

	/**
	 * Asks the bridge to connect this store.
	 *
	 * @param string $bridge      Its address, as address() gives it.
	 * @param string $install_key Where the bridge asks for one.
	 * @return Storebridge_Answer
	 */
	public function connect( $bridge, $install_key ) {
		$code    = bin2hex( random_bytes( 32 ) );
		$pending = $this->make_keys() + array(
			'code'    => hash( 'sha256', $code ),
			'secret'  => bin2hex( random_bytes( 32 ) ),
			'expires' => time() + self::MINUTES * 60,
		);
		delete_option( Storebridge_Settings::PENDING );
		add_option( Storebridge_Settings::PENDING, $pending, '', false );
		$answer = $this->bridge->connect( $bridge, $this->wish( $code, $install_key ) );
		$proved = ! delete_option( Storebridge_Settings::PENDING );
		if ( ! $answer->ok() || empty( $answer->body['shop'] ) || empty( $answer->body['connection'] ) ) {
			// Keys that the bridge has are kept: it may have connected, and only its answer was lost.
			if ( ! $proved ) {
				$this->revoke( array( $pending['key_id'] ) );
			}
			return $answer->ok() ? new Storebridge_Answer( 0, array(), __( 'It answered, and not as a bridge does.', 'storebridge' ) ) : $answer;
		}
		$this->keep( $bridge, $pending, $answer->body );
		return $answer;
	}

	/**
	 * The bridge calls back: what it needs, once, to whoever knows the code.
	 *
	 * @param string $code      The code.
	 * @param string $challenge To be given back.
	 * @return array|null Null where the code is wrong, used or old.
	 */
	public function prove( $code, $challenge ) {
		$pending = get_option( Storebridge_Settings::PENDING );
		if ( ! is_array( $pending ) || ! hash_equals( $pending['code'], hash( 'sha256', $code ) ) ) {
			return null;
		}
		// Of two calls at the same moment only one deletes the row.
		if ( ! delete_option( Storebridge_Settings::PENDING ) || $pending['expires'] < time() ) {
			return null;
		}
		return array(
			'challenge'   => $challenge,
			'store_url'   => self::home(),
			'credentials' => array(
				'url'             => self::home(),
				'consumer_key'    => $pending['consumer_key'],
				'consumer_secret' => $pending['consumer_secret'],
			),
			'secret'      => $pending['secret'],
		);
	}

	/**
	 * Forgets the bridge and takes its keys away. It is told, once; nothing depends on what it says.
	 *
	 * @param string $reason disconnected or removed.
	 */
	public function disconnect( $reason ) {
		if ( $this->settings->connected() ) {
			$body = array(
				'reason' => $reason,
				'user'   => wp_get_current_user()->user_login,
			);
			$this->bridge->act( 'gone', $body, 10 );
		}
		$this->revoke( array( (int) $this->settings->get( 'key_id' ) ) );
		delete_option( Storebridge_Settings::OPTION );
		delete_option( Storebridge_Settings::RETRY );
		delete_option( Storebridge_Settings::PENDING );
		Storebridge_Sender::unschedule();
	}

	/**
	 * What the bridge is told; it believes none of it.
	 *
	 * @param string $code        The code.
	 * @param string $install_key Where the bridge asks for one.
	 * @return array
	 */
	private function wish( $code, $install_key ) {
		return array(
			'platform'         => 'woocommerce',
			'store_url'        => self::home(),
			'api_url'          => rest_url(),
			'code'             => $code,
			'version'          => STOREBRIDGE_VERSION,
			'platform_version' => WC()->version,
			'user'             => wp_get_current_user()->user_login,
			'locale'           => get_user_locale(),
			'install_key'      => $install_key,
		);
	}

	/**
	 * It worked: the connection is kept, the keys of an earlier one go.
	 *
	 * @param string $bridge  Its address.
	 * @param array  $pending What was given to it.
	 * @param array  $body    What it answered.
	 */
	private function keep( $bridge, array $pending, array $body ) {
		$old = (int) $this->settings->get( 'key_id' );
		$this->settings->set(
			array(
				'bridge'     => $bridge,
				'shop'       => (string) $body['shop'],
				'connection' => (string) $body['connection'],
				'title'      => isset( $body['title'] ) ? (string) $body['title'] : '',
				'secret'     => $pending['secret'],
				'key_id'     => (string) $pending['key_id'],
				'gone'       => '',
			)
		);
		delete_option( Storebridge_Settings::RETRY );
		if ( $old && $old !== $pending['key_id'] ) {
			$this->revoke( array( $old ) );
		}
	}

	/**
	 * REST keys of the person who clicks, as WooCommerce itself makes them (WC_Auth::create_keys).
	 *
	 * @return array{key_id: int, consumer_key: string, consumer_secret: string}
	 */
	private function make_keys() {
		global $wpdb;
		$key    = 'ck_' . wc_rand_hash();
		$secret = 'cs_' . wc_rand_hash();
		$wpdb->insert( // phpcs:ignore WordPress.DB.DirectDatabaseQuery
			$wpdb->prefix . 'woocommerce_api_keys',
			array(
				'user_id'         => get_current_user_id(),
				'description'     => 'Storebridge',
				'permissions'     => 'read_write',
				'consumer_key'    => wc_api_hash( $key ),
				'consumer_secret' => $secret,
				'truncated_key'   => substr( $key, -7 ),
			),
			array( '%d', '%s', '%s', '%s', '%s', '%s' )
		);
		return array(
			'key_id'          => (int) $wpdb->insert_id,
			'consumer_key'    => $key,
			'consumer_secret' => $secret,
		);
	}

	/**
	 * Takes keys away.
	 *
	 * @param int[] $ids Their numbers.
	 */
	private function revoke( array $ids ) {
		global $wpdb;
		foreach ( array_filter( $ids ) as $id ) {
			$wpdb->delete( $wpdb->prefix . 'woocommerce_api_keys', array( 'key_id' => $id ), array( '%d' ) ); // phpcs:ignore WordPress.DB.DirectDatabaseQuery
		}
	}
}
