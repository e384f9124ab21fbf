<?php
/**
 * An order that cannot be made as it is.
 *
 * @package Storebridge
 */

defined( 'ABSPATH' ) || exit;

/**
 * Names the field, and says why.
 */
class Storebridge_Refusal extends Exception {

	/**
	 * What the answer says.
	 *
	 * @var WP_Error
	 */
	private $error;

	/**
	 * A refusal.
	 *
	 * @param string $code  The answer's code.
	 * @param string $text  Why.
	 * @param string $field The field.
	 */
	public function __construct( $code, $text, $field ) {
		parent::__construct( $text );
		$data        = array(
			'status' => 400,
			'params' => array( $field => $text ),
		);
		$this->error = new WP_Error( $code, $text, $data );
	}

	/**
	 * As WordPress answers it.
	 *
	 * @return WP_Error
	 */
	public function error() {
		return $this->error;
	}
}
