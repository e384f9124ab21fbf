<?php
/**
 * What the bridge answered.
 *
 * @package Storebridge
 */

defined( 'ABSPATH' ) || exit;

/**
 * Status, body as read, and in words what went wrong.
 */
class Storebridge_Answer {

	/**
	 * HTTP status; 0 when no answer came.
	 *
	 * @var int
	 */
	public $status;

	/**
	 * The JSON body of a 200; else empty.
	 *
	 * @var array
	 */
	public $body;

	/**
	 * Why there is no answer, or what the bridge said.
	 *
	 * @var string
	 */
	public $text;

	/**
	 * Seconds the bridge wants to be left alone; 0 where it does not say.
	 *
	 * @var int
	 */
	public $wait;

	/**
	 * An answer.
	 *
	 * @param int    $status HTTP status.
	 * @param array  $body   JSON body.
	 * @param string $text   Words.
	 * @param int    $wait   Seconds.
	 */
	public function __construct( $status, array $body, $text, $wait = 0 ) {
		$this->wait   = $wait;
		$this->status = $status;
		$this->body   = $body;
		$this->text   = $text;
	}

	/**
	 * Whether it went well.
	 *
	 * @return bool
	 */
	public function ok() {
		return 200 === $this->status;
	}
}
