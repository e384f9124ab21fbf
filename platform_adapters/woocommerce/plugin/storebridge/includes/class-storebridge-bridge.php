<?php
/**
 * Calls to the bridge.
 *
 * @package Storebridge
 */

defined( 'ABSPATH' ) || exit;

/**
 * The only file that sends anything.
 */
class Storebridge_Bridge {

	const PAGE_BYTES = 8388608;

	/**
	 * Where the bridge is.
	 *
	 * @var Storebridge_Settings
	 */
	private $settings;

	/**
	 * Calls go where the settings say.
	 *
	 * @param Storebridge_Settings $settings The connection.
	 */
	public function __construct( Storebridge_Settings $settings ) {
		$this->settings = $settings;
	}

	/**
	 * A signed act of this connection. Only `page` is answered with a signature.
	 *
	 * @param string $act     events, heartbeat or page.
	 * @param array  $content The body.
	 * @param int    $seconds How long to wait.
	 * @return Storebridge_Answer
	 */
	public function act( $act, array $content, $seconds ) {
		$secret = $this->settings->get( 'secret' );
		$body   = (string) wp_json_encode( $content, JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE );
		$nonce  = bin2hex( random_bytes( 16 ) );
		$place  = array( $this->settings->get( 'bridge' ), 'modules', $this->settings->get( 'shop' ), $this->settings->get( 'connection' ), $act );
		$header = Storebridge_Signer::header( $secret, $act, $body, time(), $nonce );
		$answer = $this->post( implode( '/', $place ), $body, array( Storebridge_Signer::HEADER => $header ), $seconds );
		if ( 'page' !== $act || is_wp_error( $answer ) || 200 !== wp_remote_retrieve_response_code( $answer ) ) {
			return $this->read( $answer );
		}
		$given = (string) wp_remote_retrieve_header( $answer, Storebridge_Signer::HEADER );
		if ( ! Storebridge_Signer::verifies( $secret, $act, wp_remote_retrieve_body( $answer ), $given, $nonce, time() ) ) {
			return new Storebridge_Answer( 0, array(), __( 'The answer is not signed by your bridge, so it is not shown. Check that the clock of this server is right, and that nothing between the two changes what they say.', 'storebridge' ) );
		}
		return $this->read( $answer );
	}

	/**
	 * The wish to be connected; it is not signed, the bridge calls back.
	 *
	 * @param string $bridge  The bridge's address.
	 * @param array  $content The body.
	 * @return Storebridge_Answer
	 */
	public function connect( $bridge, array $content ) {
		$body = (string) wp_json_encode( $content, JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE );
		return $this->read( $this->post( $bridge . '/modules/connect', $body, array(), 60 ) );
	}

	/**
	 * Posts JSON. Redirects are not followed: a POST would become a GET.
	 *
	 * @param string $url     The address.
	 * @param string $body    JSON.
	 * @param array  $headers More headers.
	 * @param int    $seconds How long to wait.
	 * @return array|WP_Error
	 */
	private function post( $url, $body, array $headers, $seconds ) {
		return wp_remote_post(
			$url,
			array(
				'body'                => $body,
				'headers'             => array( 'Content-Type' => 'application/json' ) + $headers,
				'timeout'             => $seconds,
				'redirection'         => 0,
				'user-agent'          => 'Storebridge/' . STOREBRIDGE_VERSION . '; WooCommerce/' . WC()->version,
				'limit_response_size' => self::PAGE_BYTES,
			)
		);
	}

	/**
	 * What came back, in our words.
	 *
	 * @param array|WP_Error $answer As WordPress gives it.
	 * @return Storebridge_Answer
	 */
	private function read( $answer ) {
		if ( is_wp_error( $answer ) ) {
			return new Storebridge_Answer( 0, array(), $answer->get_error_message() );
		}
		$body   = json_decode( wp_remote_retrieve_body( $answer ), true );
		$status = (int) wp_remote_retrieve_response_code( $answer );
		if ( ! is_array( $body ) ) {
			/* translators: %d: HTTP status */
			return new Storebridge_Answer( 200 === $status ? 0 : $status, array(), $this->excerpt( $answer, $status ) );
		}
		$text = isset( $body['error'] ) && is_string( $body['error'] ) ? $body['error'] : '';
		$text = '' === $text && isset( $body['message'] ) && is_string( $body['message'] ) ? $body['message'] : $text;
		return new Storebridge_Answer( $status, $body, $text );
	}

	/**
	 * A short plain answer as it is; of anything else the status only.
	 *
	 * @param array $answer As WordPress gives it.
	 * @param int   $status HTTP status.
	 * @return string
	 */
	private function excerpt( array $answer, $status ) {
		$text  = trim( wp_remote_retrieve_body( $answer ) );
		$plain = 0 === strpos( (string) wp_remote_retrieve_header( $answer, 'content-type' ), 'text/plain' );
		if ( $plain && '' !== $text && strlen( $text ) < 500 ) {
			return $text;
		}
		/* translators: %d: HTTP status */
		return sprintf( __( 'It answered with status %d and no data.', 'storebridge' ), $status );
	}
}
