<?php
/**
 * What a browser sent to the page.
 *
 * @package Storebridge
 */

defined( 'ABSPATH' ) || exit;

/**
 * Read from the request itself: PHP's own arrays keep only the last of several fields of one name.
 */
class Storebridge_Form {

	const FILES = 1048576;
	const OWN   = array( 'page', 'path', '_wpnonce', '_wp_http_referer' );

	/**
	 * The fields of an address or of a form, each with all of its values.
	 *
	 * @param string $raw As it came, urlencoded.
	 * @return array Lists of texts by name.
	 */
	public static function fields( $raw ) {
		$found = array();
		foreach ( array_filter( explode( '&', $raw ), 'strlen' ) as $pair ) {
			$parts = explode( '=', $pair, 2 );
			$name  = wp_check_invalid_utf8( urldecode( $parts[0] ), true );
			if ( '' !== $name && ! in_array( $name, self::OWN, true ) ) {
				$found[ $name ][] = wp_check_invalid_utf8( urldecode( isset( $parts[1] ) ? $parts[1] : '' ), true );
			}
		}
		return $found;
	}

	/**
	 * The same, from what PHP has read of a form with files.
	 *
	 * @param array $post Without slashes.
	 * @return array Lists of texts by name.
	 */
	public static function read( array $post ) {
		$found = array();
		foreach ( array_diff_key( $post, array_flip( self::OWN ) ) as $name => $value ) {
			foreach ( array_filter( is_array( $value ) ? $value : array( $value ), 'is_scalar' ) as $text ) {
				$found[ $name ][] = wp_check_invalid_utf8( (string) $text, true );
			}
		}
		return $found;
	}

	/**
	 * Files, whole.
	 *
	 * @param array $files As PHP has them.
	 * @return array|null By field: name, type, base64. Null where they are too large, or did not arrive whole.
	 */
	public static function files( array $files ) {
		$found = array();
		$bytes = 0;
		foreach ( $files as $field => $file ) {
			if ( ! isset( $file['error'] ) || is_array( $file['error'] ) || UPLOAD_ERR_NO_FILE === $file['error'] ) {
				continue;
			}
			$bytes += (int) $file['size'];
			if ( UPLOAD_ERR_OK !== $file['error'] || $bytes > self::FILES || ! is_readable( $file['tmp_name'] ) ) {
				return null;
			}
			$found[ $field ] = array(
				'name'   => sanitize_file_name( $file['name'] ),
				'type'   => sanitize_mime_type( $file['type'] ),
				'base64' => base64_encode( (string) file_get_contents( $file['tmp_name'] ) ), // phpcs:ignore WordPress.PHP.DiscouragedPHPFunctions, WordPress.WP.AlternativeFunctions -- a file just uploaded, into JSON.
			);
		}
		return $found;
	}
}
