<?php
/**
 * Signatures between this store and the bridge.
 *
 * @package Storebridge
 */

defined( 'ABSPATH' ) || exit;

/**
 * HMAC-SHA256 over time, nonce, act and body, with the connection's secret.
 */
class Storebridge_Signer {

	const HEADER = 'X-Storebridge-Signature';
	const WINDOW = 300;

	/**
	 * The header of a call.
	 *
	 * @param string $secret The connection's secret.
	 * @param string $act    What is asked for.
	 * @param string $body   The bytes sent.
	 * @param int    $time   Unix seconds.
	 * @param string $nonce  32 hex digits.
	 * @return string
	 */
	public static function header( $secret, $act, $body, $time, $nonce ) {
		return sprintf( 't=%d,n=%s,v1=%s', $time, $nonce, self::mac( $secret, $act, $body, $time, $nonce ) );
	}

	/**
	 * Whether an answer was given by the bridge, to this very question.
	 *
	 * @param string $secret The connection's secret.
	 * @param string $act    What was asked for.
	 * @param string $body   The bytes received.
	 * @param string $header The header received.
	 * @param string $nonce  The nonce of the question.
	 * @param int    $now    Unix seconds.
	 * @return bool
	 */
	public static function verifies( $secret, $act, $body, $header, $nonce, $now ) {
		if ( ! preg_match( '/^t=(\d{1,12}),n=([0-9a-f]{32}),v1=([0-9a-f]{64})$/D', $header, $found ) ) {
			return false;
		}
		$fits = hash_equals( self::mac( $secret, $act, $body, (int) $found[1], $found[2] ), $found[3] );
		return $fits && hash_equals( $nonce, $found[2] ) && abs( $now - (int) $found[1] ) <= self::WINDOW;
	}

	/**
	 * The HMAC itself.
	 *
	 * @param string $secret The connection's secret.
	 * @param string $act    The act.
	 * @param string $body   The body.
	 * @param int    $time   Unix seconds.
	 * @param string $nonce  32 hex digits.
	 * @return string
	 */
	private static function mac( $secret, $act, $body, $time, $nonce ) {
		return hash_hmac( 'sha256', $time . "\n" . $nonce . "\n" . $act . "\n" . $body, $secret );
	}
}
