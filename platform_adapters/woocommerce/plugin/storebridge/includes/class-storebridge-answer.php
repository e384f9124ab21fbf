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
	 * The JSON body; empty when there was none.
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
	 * An answer.
	 *
	 * @param int    $status HTTP status.
	 * @param array  $body   JSON body.
	 * @param string $text   Words.
	 */
	public function __construct( $status, array $body, $text ) {
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
