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

	const HEADER  = 'X-Storebridge-Signature';
	const WINDOW  = 300;
	const LONGEST = 400;

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
	 * The nonce of what was signed with this secret, lately. Parts of the header that nobody knows are left alone.
	 *
	 * @param string $secret The connection's secret.
	 * @param string $act    The act; of an answer its own (answer_act).
	 * @param string $body   The bytes received.
	 * @param string $header The header received.
	 * @param int    $now    Unix seconds.
	 * @return string Empty where it was not.
	 */
	public static function verified( $secret, $act, $body, $header, $now ) {
		$parts = array();
		foreach ( explode( ',', substr( $header, 0, self::LONGEST ) ) as $part ) {
			$pair                      = explode( '=', trim( $part ), 2 );
			$parts[ trim( $pair[0] ) ] = isset( $pair[1] ) ? $pair[1] : '';
		}
		$parts += array_fill_keys( array( 't', 'n', 'v1' ), '' );
		if ( ! preg_match( '/^[0-9]{1,12}$/D', $parts['t'] ) || ! preg_match( '/^[0-9a-f]{32}$/D', $parts['n'] ) || ! preg_match( '/^[0-9a-f]{64}$/D', $parts['v1'] ) ) {
			return '';
		}
		$fits = hash_equals( self::mac( $secret, $act, $body, (int) $parts['t'], $parts['n'] ), $parts['v1'] );
		return $fits && abs( $now - (int) $parts['t'] ) <= self::WINDOW ? $parts['n'] : '';
	}

	/**
	 * What the answer to an act is signed as: with the act itself, a question could be given back as its own answer.
	 *
	 * @param string $act The act.
	 * @return string
	 */
	public static function answer_act( $act ) {
		return $act . '.answer';
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
