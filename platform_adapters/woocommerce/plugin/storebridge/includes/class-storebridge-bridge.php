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
	 * A signed act of this connection. What is not signed by the bridge is no answer.
	 *
	 * @param string $act     events, heartbeat, page or gone.
	 * @param array  $content The body.
	 * @param int    $seconds How long to wait.
	 * @return Storebridge_Answer
	 */
	public function act( $act, array $content, $seconds ) {
		$body   = (string) wp_json_encode( $content, JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE );
		$answer = $this->ask( $act, $body, $seconds );
		// Signed anew, once: a proxy may have sent the first one twice.
		return 401 === $answer->status ? $this->ask( $act, $body, $seconds ) : $answer;
	}

	/**
	 * One call.
	 *
	 * @param string $act     The act.
	 * @param string $body    JSON.
	 * @param int    $seconds How long to wait.
	 * @return Storebridge_Answer
	 */
	private function ask( $act, $body, $seconds ) {
		$secret = $this->settings->get( 'secret' );
		$nonce  = bin2hex( random_bytes( 16 ) );
		$place  = array( $this->settings->get( 'bridge' ), 'modules', $this->settings->get( 'shop' ), $this->settings->get( 'connection' ), $act );
		$header = Storebridge_Signer::header( $secret, $act, $body, time(), $nonce );
		$answer = $this->post( implode( '/', $place ), $body, array( Storebridge_Signer::HEADER => $header ), $seconds );
		if ( is_wp_error( $answer ) || 200 !== wp_remote_retrieve_response_code( $answer ) ) {
			return $this->read( $answer );
		}
		$given  = wp_remote_retrieve_header( $answer, Storebridge_Signer::HEADER );
		$signed = Storebridge_Signer::verified( $secret, Storebridge_Signer::answer_act( $act ), wp_remote_retrieve_body( $answer ), is_string( $given ) ? $given : '', time() );
		if ( ! hash_equals( $nonce, $signed ) ) {
			return new Storebridge_Answer( 0, array(), __( 'The answer is not signed by your bridge, so it is not used. Check that the clock of this server is right, and that nothing between the two changes what they say.', 'storebridge' ) );
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
				'user-agent'          => 'Storebridge module; WordPress',
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
			return new Storebridge_Answer( 0, array(), $this->obstacle( $answer->get_error_message() ) );
		}
		$body   = json_decode( wp_remote_retrieve_body( $answer ), true );
		$status = (int) wp_remote_retrieve_response_code( $answer );
		$wait   = min( 86400, absint( wp_remote_retrieve_header( $answer, 'retry-after' ) ) );
		if ( 200 === $status && is_array( $body ) ) {
			return new Storebridge_Answer( $status, $body, '', $wait );
		}
		return new Storebridge_Answer( 200 === $status ? 0 : $status, array(), $this->excerpt( $answer, $status ), $wait );
	}

	/**
	 * Why nothing came back. What WordPress says of it is for whoever looks after the server.
	 *
	 * @param string $message WordPress's words, in English.
	 * @return string
	 */
	private function obstacle( $message ) {
		if ( 0 === strpos( $message, 'cURL error 28:' ) ) { // CURLE_OPERATION_TIMEDOUT.
			return __( 'It took too long to answer.', 'storebridge' );
		}
		/* translators: %s: what went wrong, in technical English */
		return sprintf( __( 'This server says: %s', 'storebridge' ), $message );
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
