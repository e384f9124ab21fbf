<?php
/**
 * Where everything meets.
 *
 * @package Storebridge
 */

defined( 'ABSPATH' ) || exit;

/**
 * Builds the parts and hooks them up.
 */
class Storebridge_Plugin {

	/**
	 * The parts, once they are built.
	 *
	 * @var Storebridge_Plugin|null
	 */
	private static $instance = null;

	/**
	 * What is remembered.
	 *
	 * @var Storebridge_Settings
	 */
	public $settings;

	/**
	 * What waits to be told.
	 *
	 * @var Storebridge_Outbox
	 */
	public $outbox;

	/**
	 * Tells it.
	 *
	 * @var Storebridge_Sender
	 */
	public $sender;

	/**
	 * Builds the parts without hooking them up.
	 */
	public function __construct() {
		$this->settings = new Storebridge_Settings();
		$this->outbox   = new Storebridge_Outbox();
		$bridge         = new Storebridge_Bridge( $this->settings );
		$health         = new Storebridge_Health( $this->settings, $this->outbox );
		$connector      = new Storebridge_Connector( $this->settings, $bridge );
		$this->sender   = new Storebridge_Sender( $this->settings, $this->outbox, $bridge, $health );

		$this->parts = array(
			$this->sender,
			new Storebridge_Watcher( $this->settings, $this->outbox, $this->sender ),
			new Storebridge_Mails(),
			new Storebridge_Rest( $health, $connector, new Storebridge_Orders( new Storebridge_Order_Writer() ), new Storebridge_Stock(), new Storebridge_Parcels(), $this->sender ),
			new Storebridge_Admin( $this->settings, $bridge, $connector, $this->sender, $this->outbox ),
		);
	}

	/**
	 * Parts with hooks of their own.
	 *
	 * @var array
	 */
	private $parts;

	/**
	 * Runs with every request, once WooCommerce is there.
	 */
	public static function boot() {
		if ( null !== self::$instance ) {
			return;
		}
		if ( get_option( 'storebridge_tables' ) !== Storebridge_Tables::VERSION ) {
			Storebridge_Tables::install();
		}
		self::$instance = new self();
		foreach ( self::$instance->parts as $part ) {
			$part->hook();
		}
		add_action( 'init', array( __CLASS__, 'translate' ) );
	}

	/**
	 * The texts in the language of this site.
	 */
	public static function translate() {
		load_plugin_textdomain( 'storebridge', false, dirname( plugin_basename( STOREBRIDGE_FILE ) ) . '/languages' );
	}

	/**
	 * When the plugin is switched on.
	 */
	public static function activate() {
		Storebridge_Tables::install();
		( new Storebridge_Settings() )->epoch();
	}

	/**
	 * When it is switched off: nothing is sent any more, nothing is forgotten.
	 */
	public static function deactivate() {
		Storebridge_Sender::unschedule();
	}
}
